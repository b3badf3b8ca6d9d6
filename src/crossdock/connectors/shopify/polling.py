"""Orders as a poll finds them: pages by time of change, with an overlap, each order whole however long it is."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec

from crossdock.connector_kit.model import Page
from crossdock.connector_kit.record import Record, Undecodable
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import Verdict
from crossdock.connectors.shopify.api import drift_means, read
from crossdock.connectors.shopify.decode_poll import Body

OVERLAP: Final = timedelta(minutes=10)
ORDERS_PER_PAGE: Final = 5
LINES_PER_ORDER: Final = 15
LINES_PER_CALL: Final = 80
LINE_CALLS_MAX: Final = 20
WINDOW_MAX: Final = 20_000
"""The vendor ends paging at 25 000 objects: before that, a new window begins where this one has come to."""
PAGE_POINTS: Final = 930.0
LINES_POINTS: Final = 730.0

LINE: Final = """
fragment line on LineItem {
  id sku name quantity currentQuantity
  originalUnitPriceSet { shopMoney { amount } }
  discountAllocations { allocatedAmountSet { shopMoney { amount } } }
  taxLines { title rate priceSet { shopMoney { amount } } }
}
"""
ORDERS: Final = f"""
query ($query: String!, $after: String) {{
  orders(first: {ORDERS_PER_PAGE}, after: $after, sortKey: UPDATED_AT, query: $query) {{
    nodes {{
      id name currencyCode taxesIncluded createdAt updatedAt cancelledAt displayFinancialStatus paymentGatewayNames
      email phone note
      totalPriceSet {{ shopMoney {{ amount }} }}
      currentTotalPriceSet {{ shopMoney {{ amount }} }}
      totalTipReceivedSet {{ shopMoney {{ amount }} }}
      currentTotalDutiesSet {{ shopMoney {{ amount }} }}
      currentTotalAdditionalFeesSet {{ shopMoney {{ amount }} }}
      customer {{ id firstName lastName }}
      shippingAddress {{ name company address1 address2 city provinceCode zip countryCodeV2 phone }}
      shippingLines(first: 3) {{
        nodes {{
          originalPriceSet {{ shopMoney {{ amount }} }}
          discountedPriceSet {{ shopMoney {{ amount }} }}
          taxLines {{ title rate priceSet {{ shopMoney {{ amount }} }} }}
        }}
      }}
      lineItems(first: {LINES_PER_ORDER}) {{ nodes {{ ...line }} pageInfo {{ hasNextPage endCursor }} }}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
{LINE}
"""
MORE_LINES: Final = f"""
query ($id: ID!, $after: String!) {{
  order(id: $id) {{
    id lineItems(first: {LINES_PER_CALL}, after: $after) {{ nodes {{ ...line }} pageInfo {{ hasNextPage endCursor }} }}
  }}
}}
{LINE}
"""


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where polling stands: the newest change seen, and inside a run the window and its page."""

    newest: datetime
    since: datetime | None = None
    after: str | None = None
    seen: int = 0


async def fetch_changes(session: Session, cursor: str) -> Page:
    """Orders changed since the newest one known, less the overlap; the first run looks back by the overlap alone."""
    now = session.clock.now()
    held = msgspec.json.decode(cursor, type=Cursor) if cursor else Cursor(newest=now)
    since = held.since or held.newest - OVERLAP
    with drift_means(Verdict.REFUSED):
        page, found = await _page(session, f"updated_at:>='{_second(since)}'", held.after)
    newest = max(min(found.newest or held.newest, now), held.newest)  # a slipped clock must not hide what comes after
    if not found.more:
        following = Cursor(newest=newest)
    elif held.seen + ORDERS_PER_PAGE > WINDOW_MAX:
        following = Cursor(newest=newest, since=newest)
    else:
        following = Cursor(newest=newest, since=since, after=found.end, seen=held.seen + ORDERS_PER_PAGE)
    return Page(body=page, cursor=msgspec.json.encode(following).decode(), more=found.more)


async def fetch_open(session: Session, cursor: str) -> Page:
    """All orders that are still open, for the first load."""
    with drift_means(Verdict.REFUSED):
        page, found = await _page(session, "status:open", cursor or None)
    return Page(body=page, cursor=found.end or cursor, more=found.more)


class _Found(msgspec.Struct, frozen=True):
    newest: datetime | None
    more: bool
    end: str | None


async def _page(session: Session, query: str, after: str | None) -> tuple[bytes, _Found]:
    answer = await read(session, ORDERS, {"query": query, "after": after}, points=PAGE_POINTS)
    orders = answer.data.one("orders")
    answers = [answer.raw]
    newest: datetime | None = None
    for order in orders.each("nodes"):
        with suppress(Undecodable):  # the decoder sets the order aside; the others are fetched
            changed = order.moment("updatedAt")
            newest = changed if newest is None else max(newest, changed)
        answers += await _further_lines(session, order)
    page = orders.one("pageInfo")
    body = Body(tuple(msgspec.Raw(each) for each in answers))
    return msgspec.json.encode(body), _Found(newest, page.flag("hasNextPage"), page.text_or_none("endCursor"))


async def _further_lines(session: Session, order: Record) -> list[bytes]:
    """What does not fit a page of lines; an order beyond every limit is left short and shows as a wrong total."""
    answers: list[bytes] = []
    page = order.one("lineItems").one("pageInfo")
    while page.flag("hasNextPage") and len(answers) < LINE_CALLS_MAX:
        variables = {"id": order.text("id"), "after": page.text("endCursor")}
        answer = await read(session, MORE_LINES, variables, points=LINES_POINTS)
        answers.append(answer.raw)
        page = answer.data.one("order").one("lineItems").one("pageInfo")
    return answers


def _second(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")
