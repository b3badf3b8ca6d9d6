"""The rules of the day in words, for the screen: what is real and what was derived."""

from crossdock.simulation.retailer import catalogue, receipts, source, stock
from crossdock.simulation.retailer.model import Control, ReceiptKind, TradingDay


def rules_text(day: TradingDay) -> str:
    """A short page. Every figure in it is counted from the day, none is written down."""
    rules = day.rules
    kinds = {kind: sum(1 for r in day.receipts if r.kind is kind) for kind in ReceiptKind}
    voided = sum(1 for r in day.receipts for line in r.lines if line.voided)
    controls = sum(1 for event in day.events if isinstance(event, Control))
    left_out = "\n".join(f"    {each.rows:>6}  {each.reason}" for each in day.left_out)
    web_tax = "included in" if rules.web_prices_include_tax else "added to"
    return f"""\
Real: receipts of The Complete Journey (84.51°): store, product, quantity, price, discounts, time.
  The {len(day.stores)} stores with most receipts; {rules.source_days} days from {rules.source_first_day} are laid over
  one another on {rules.business_day}, times of day unchanged: {kinds[ReceiptKind.SALE]} sales.
  The {len(day.products)} products bought most often make the range. Of {day.source_rows} rows these are left out:
{left_out}
  Web orders: {len(day.web_orders)} baskets of {source.WEB_LINES_MIN}-{source.WEB_LINES_MAX} lines from other stores, at shelf prices.
Derived (seed {rules.seed}), because the source does not say:
  Time: read as UTC; a business day runs from {source.DAY_STARTS_UTC:%H:%M} to {source.DAY_STARTS_UTC:%H:%M} UTC; every fifth store keeps Chicago time.
  Tax: {catalogue.TAX_PERCENT[catalogue.STANDARD]} % in the price, 0 % on food other than soft drinks and candy; per line, half to even on the cent. Web: {web_tax} prices.
  Tender: manufacturers' coupons are vouchers; the rest {receipts.CASH_PERCENT} % cash, {receipts.SPLIT_PERCENT} % half cash half card, otherwise card;
    cash is given in notes of {receipts.NOTE} and change comes back; no cash rounding.
  Tills: one for every {catalogue.RECEIPTS_PER_TILL} receipts begun, at most {catalogue.TILLS_MAX}; each counts on without a gap.
  1 basket in {receipts.RETURN_ODDS} brings a unit back after two hours ({kinds[ReceiptKind.RETURN]}), 1 in {receipts.VOIDED_LINE_ODDS} has a line scanned twice and voided ({voided}),
    {kinds[ReceiptKind.POST_VOID]} sale is undone afterwards; {kinds[ReceiptKind.CANCELLED]} cancelled, {kinds[ReceiptKind.SUSPENDED]} suspended, {kinds[ReceiptKind.TRAINING]} training and {controls} sign-on, sign-off and
    drawer events take numbers and post nothing.
  Opening stock: a store holds what its tills sell plus a quarter (at least {stock.SPARE_MIN}); {day.dc} twice what the web orders
    plus {stock.DC_BASE}. {len(day.tight_skus)} tight products (1 in {stock.TIGHT_SHARE} of those wanted by both): no spare, {day.dc} holds half.
  Customers, streets, telephones are invented."""
