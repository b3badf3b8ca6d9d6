"""What POSLog files of both dialects mean."""

import os
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.canonical.receipts import LineKind, ReceiptKind
from crossdock.connector_kit.model import Damaged, Decoded
from crossdock.connector_kit.record import Undecodable
from crossdock.connectors.pos.node import TRANSACTION_BYTES_MAX, Node, transactions
from crossdock.connectors.pos.poslog import decode_poslog

from .pos_files import HEAD, damage, figures, goods, poslog, read, receipt, received, sale, tax, tender, transaction

SPECS = Path(os.environ.get("CROSSDOCK_SPECS", Path(__file__).parents[4] / "shared" / "specs"))


def sample(name: str) -> bytes:
    path = SPECS / "channels" / "poslog" / name
    if not path.exists():
        pytest.skip(f"the vendor's sample is not at hand: {path} (set CROSSDOCK_SPECS)")
    return path.read_bytes()


def test_the_older_vendor_sample_reads_to_the_cent() -> None:
    sign_on, bought = read(decode_poslog, received(sample("ncr_acs_poslog_small.xml"), weight_unit="lb"))

    assert receipt(sign_on).kind is ReceiptKind.CONTROL
    assert receipt(sign_on).sequence + 1 == receipt(bought).sequence == 161
    assert receipt(bought).business_day == date(2017, 9, 30)
    assert receipt(bought).ended_at == datetime(2017, 10, 1, 6, 2, 54, tzinfo=UTC), "local time, the store's zone"
    assert figures(receipt(bought)) == {"total": "1.07", "lines": "1.07", "tenders": "1.07", "tax": "0"}
    (line,) = receipt(bought).lines
    assert (line.sku, line.quantity, line.unit) == ("00000000067591", Decimal("0.42"), "lb")
    assert (line.amount, line.discount) == (Decimal("1.07"), Decimal("0.19")), "the reward counts once"
    assert receipt(bought).tenders[0].tender == "card"


def test_the_newer_vendor_sample_reads_to_the_cent() -> None:
    (bought,) = read(decode_poslog, received(sample("retalix_r10_poslog_v6.0.1_sale.xml")))

    document = receipt(bought)
    assert figures(document) == {"total": "6.57", "lines": "6.57", "tenders": "6.57", "tax": "0.66"}
    assert document.prices_include_tax
    assert document.transaction_id == "119EKZ37QD"
    assert (document.store, document.till, document.sequence) == ("0610", "140", 451)
    assert document.currency == "GBP"
    assert document.ended_at == datetime(2016, 8, 22, 14, 21, 54, 483370, tzinfo=UTC)
    assert [(line.sku, str(line.quantity), line.unit, str(line.amount)) for line in document.lines] == [
        ("48", "1", "each", "2.59"),
        ("123", "1", "each", "1.99"),
        ("321", "1", "each", "1.99"),
    ]
    assert [(each.code, each.amount) for each in document.lines[1].taxes] == [("82", Decimal("0.33"))]


def test_what_a_receipt_says_of_its_money_goes_before_the_setting() -> None:
    raw = sample("retalix_r10_poslog_v6.0.1_sale.xml")
    (bought,) = read(decode_poslog, received(raw, currency="EUR"))

    assert receipt(bought).currency == "GBP"

    (silent,) = read(decode_poslog, received(re.sub(rb' Currency(Code)?="GBP"', b"", raw), currency="EUR"))
    assert receipt(silent).currency == "EUR"

    mixed = re.sub(rb'ExtendedAmount Currency="GBP"', b'ExtendedAmount Currency="USD"', raw, count=1)
    (damaged,) = read(decode_poslog, received(re.sub(rb' CurrencyCode="GBP"', b"", mixed), currency="EUR"))
    assert "wanted one currency, got GBP, USD" in damage(damaged)


def test_loyalty_customers_are_told_beside_the_receipt_and_not_in_it() -> None:
    found = [
        each for each in read(decode_poslog, received(sample("ncr_acs_poslog_small.xml"))) if isinstance(each, Decoded)
    ]

    (person,) = {person for each in found for person in each.persons}
    assert person.channel_customer_id == "0000000000000040000066677"
    assert "40000066677" not in str([each.document for each in found])


def test_the_item_number_is_the_one_the_connection_names() -> None:
    raw = sample("retalix_r10_poslog_v6.0.1_sale.xml")
    (bought,) = read(decode_poslog, received(raw, item_id="POSItemID"))

    assert [line.sku for line in receipt(bought).lines][1:] == ["1329421", "3545058"]


def test_a_bad_transaction_leaves_its_neighbours_alone_and_says_where() -> None:
    bad = sale(goods(), goods(), goods(quantity="two"), tender("9.00"))
    first, second, third = read(decode_poslog, received(poslog(sale(goods(), tender("3.00")), bad, sale(goods()))))

    assert receipt(first).total == receipt(third).total == 3
    assert damage(second) == (
        '/POSLog/Transaction[2]/RetailTransaction/LineItem[3]/Sale/Quantity: wanted a number, got "two"'
    )
    assert isinstance(second, Damaged)
    assert second.key == "receipt/7/2/2026-11-27/41"


def test_a_damaged_record_cut_out_can_be_decoded_again_after_a_fix() -> None:
    bad = sale(goods(quantity="two"), tender("3.00"))
    (found,) = read(decode_poslog, received(poslog(bad)))
    assert isinstance(found, Damaged)

    (fixed,) = read(decode_poslog, received(found.raw.replace(b"two", b"2")))

    assert receipt(fixed).lines[0].quantity == 2


@pytest.mark.parametrize(
    ("place", "content", "message"),
    [
        ("RetailStoreID", "", "wanted text, got nothing"),
        ("WorkstationID", "x" * 65, "wanted at most 64 characters"),
        ("SequenceNumber", "-1", 'wanted a whole number, got "-1"'),
        ("SequenceNumber", "9" * 16, "wanted a whole number"),
        ("BusinessDayDate", "27.11.2026", 'wanted a date, got "27.11.2026"'),
        ("EndDateTime", "noon", 'wanted date and time, got "noon"'),
    ],
)
def test_a_bad_header_field_is_named(place: str, content: str, message: str) -> None:
    opening, closing = f"<{place}>", f"</{place}>"
    before, _, rest = HEAD.partition(opening)
    head = before + opening + content + closing + rest.partition(closing)[2]
    (found,) = read(decode_poslog, received(poslog(transaction("<ControlTransaction/>", head))))

    assert damage(found).startswith(f"/POSLog/Transaction[1]/{place}: {message}")


@pytest.mark.parametrize("amount", ["1e5", "NaN", "1_0", "0x1", "1,5", "٣", "9" * 19, "0.0000001"])
def test_an_amount_that_is_no_plain_number_is_refused(amount: str) -> None:
    (found,) = read(decode_poslog, received(poslog(sale(goods(amount), tender("3.00")))))

    assert damage(found).startswith("/POSLog/Transaction[1]/RetailTransaction/LineItem[1]/Sale/ExtendedAmount: ")


def test_local_time_of_a_store_without_a_zone_is_a_question_not_a_guess() -> None:
    (found,) = read(decode_poslog, received(poslog(sale(goods()).replace("ID>7<", "ID>8<"))))

    assert damage(found) == (
        '/POSLog/Transaction[1]/EndDateTime: local time without zone, and location "8" has no time zone in the estate'
    )


def test_a_sale_after_midnight_belongs_to_its_business_day() -> None:
    late = sale(goods(), tender("3.00")).replace("2026-11-27T18:05:00", "2026-11-28T01:05:00")
    (found,) = read(decode_poslog, received(poslog(late)))

    assert receipt(found).business_day == date(2026, 11, 27)
    assert receipt(found).ended_at == datetime(2026, 11, 28, 6, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("off", "amount", "more"),
    [
        ("none", "2.50", ""),
        ("already off", "2.50", "<ExtendedDiscountAmount>0.50</ExtendedDiscountAmount>"),
        ("still to take off", "3.00", "<ExtendedDiscountAmount>0.50</ExtendedDiscountAmount>"),
        ("modifier, already off", "2.50", '<RetailPriceModifier><Amount Action="Subtract">0.50</Amount></RetailPriceModifier>'),
        ("modifier, to take off", "3.00", "<RetailPriceModifier><Amount>0.50</Amount></RetailPriceModifier>"),
        (
            "modifiers up and down", "3.00",
            '<RetailPriceModifier><Amount Action="Subtract">0.80</Amount></RetailPriceModifier>{}'.format(
                '<RetailPriceModifier><Amount Action="Add">0.30</Amount></RetailPriceModifier>'
            ),
        ),
    ],
)  # fmt: skip
def test_a_discount_is_taken_off_once_however_the_till_writes_it(off: str, amount: str, more: str) -> None:
    (found,) = read(decode_poslog, received(poslog(sale(goods(amount, more=more), tender("2.50"), total="2.50"))))

    assert receipt(found).lines[0].amount == Decimal("2.50")
    assert receipt(found).lines[0].discount == (Decimal(0) if off == "none" else Decimal("0.50"))


@pytest.mark.parametrize(("lines", "paid"), [(("10.00", "5.01"), "13.51"), (("10.00", "5.01"), "15.01")])
def test_a_discount_on_the_whole_receipt_is_spread_exactly_or_already_in_the_lines(
    lines: tuple[str, str], paid: str
) -> None:
    off = "<LineItem><Discount><Amount>1.50</Amount></Discount></LineItem>"
    (found,) = read(decode_poslog, received(poslog(sale(*map(goods, lines), off, tender(paid)))))

    assert receipt(found).lines_total == receipt(found).total == Decimal(paid)
    assert sum(line.discount for line in receipt(found).lines) == Decimal("15.01") - Decimal(paid)


@pytest.mark.parametrize("included", [True, False])
@pytest.mark.parametrize("told", ["yes", "no"])
def test_tax_on_lines_is_not_added_again_from_the_summary(*, included: bool, told: str) -> None:
    net, gross = "10.00", "12.00"
    line = goods(gross if included else net, more=tax("2.00"))
    body = poslog(sale(line, f"<LineItem>{tax('2.00')}</LineItem>", tender(gross), total=gross))
    (found,) = read(decode_poslog, received(body, prices_include_tax=told))

    assert receipt(found).prices_include_tax is included, "what adds up goes before what the setting says"
    assert figures(receipt(found)) == {"total": "12.00", "lines": "12.00", "tenders": "12.00", "tax": "2.00"}


def test_tax_that_only_the_summary_knows_is_spread_over_the_lines_exactly() -> None:
    lines = [goods("1.00"), goods("1.00"), goods("1.00")]
    body = poslog(sale(*lines, f"<LineItem>{tax('0.50')}</LineItem>", tender("3.50")))
    (found,) = read(decode_poslog, received(body, prices_include_tax="no"))

    assert figures(receipt(found)) == {"total": "3.50", "lines": "3.50", "tenders": "3.50", "tax": "0.50"}
    assert {line.tax for line in receipt(found).lines} <= {Decimal("0.16"), Decimal("0.17")}


def test_tax_told_in_one_figure_is_used_when_nothing_else_is() -> None:
    more = '<Total TotalType="TransactionTaxAmount">0.21</Total>'
    body = poslog(sale(goods("3.00"), tender("3.21"), more, total="3.21"))
    (found,) = read(decode_poslog, received(body))

    assert not receipt(found).prices_include_tax
    assert receipt(found).lines[0].taxes[0].code == "tax"
    assert receipt(found).lines_total == receipt(found).total


def test_change_and_cashback_go_out_of_the_drawer() -> None:
    own_line = [tender("20.00"), tender("17.00", code="Change")]
    below = [tender("20.00", more="<TenderChange><Amount>17.00</Amount></TenderChange>")]
    cashback = [tender("13.00", "CreditDebit", more="<Cashback>10.00</Cashback>")]
    for tenders, kinds in ((own_line, ["cash", "cash"]), (below, ["cash", "cash"]), (cashback, ["card", "cash"])):
        (found,) = read(decode_poslog, received(poslog(sale(goods(), *tenders, total="3.00"))))

        assert [each.tender for each in receipt(found).tenders] == kinds
        assert figures(receipt(found))["tenders"] == "3.00"


def test_a_struck_line_counts_for_nothing_whichever_line_bears_the_mark() -> None:
    marked = [goods(), goods(flags='VoidFlag="true"')]
    twice = [goods(), goods(), goods(flags='VoidFlag="true"')]
    struck_tender = tender("9.00").replace("<LineItem>", '<LineItem VoidFlag="true">')
    for items in (marked, twice):
        (found,) = read(decode_poslog, received(poslog(sale(*items, struck_tender, tender("3.00"), total="3.00"))))

        assert receipt(found).lines_total == receipt(found).total == 3
        assert sum(line.sign for line in receipt(found).lines) == 1
    (found,) = read(decode_poslog, received(poslog(sale(*twice, tender("6.00"), total="6.00"))))
    assert sum(line.sign for line in receipt(found).lines) == 2


def test_a_return_gives_back_and_remembers_where_it_came_from() -> None:
    link = "<TransactionLink><SequenceNumber>12</SequenceNumber><BusinessDayDate>2026-11-20</BusinessDayDate></TransactionLink>"
    for total, item in (
        ("3.00", goods(element="Return", more=link)),
        ("-3.00", goods(element="Return", more=link)),
        ("-3.00", goods("-3.00", "-1", element="Return", more=link)),
        ("-3.00", goods("-3.00", "-1", more=link)),
    ):
        (found,) = read(decode_poslog, received(poslog(sale(item, tender("3.00", code="Refund"), total=total))))

        document = receipt(found)
        assert document.kind is ReceiptKind.SALE
        assert document.total == document.lines_total == -3
        (line,) = document.lines
        assert (line.kind, line.quantity, line.amount) == (LineKind.RETURN, Decimal(1), Decimal(3))
        assert line.original is not None
        assert (line.original.store, line.original.till, line.original.sequence) == ("7", "2", 12)
        assert line.original.business_day == date(2026, 11, 20)
        assert isinstance(found, Decoded)
        assert not found.waits_for, "the original may be older than the hub"


def test_an_exchange_nets_goods_and_money() -> None:
    (found,) = read(
        decode_poslog, received(poslog(sale(goods("8.00"), goods("3.00", element="Return"), tender("5.00"))))
    )

    assert receipt(found).total == receipt(found).lines_total == 5


LINK = "<TransactionLink><SequenceNumber>40</SequenceNumber></TransactionLink>"
VOID_LINK = LINK.replace("Link>", 'Link ReasonCode="Void">', 1)


@pytest.mark.parametrize(
    "content",
    [
        f'<RetailTransaction TransactionStatus="PostVoided">{LINK}{{}}</RetailTransaction>',
        f"<RetailTransaction>{VOID_LINK}{{}}</RetailTransaction>",
        f'<RetailTransaction TypeCode="PostVoidTransaction">{LINK}{{}}</RetailTransaction>',
        f"<PostVoidTransaction>{LINK}{{}}</PostVoidTransaction>",
    ],
)
@pytest.mark.parametrize(
    "items",
    [
        goods("3.00") + tender("3.00"),
        goods("3.00") + tender("3.00", code="Refund"),
        goods("3.00", element="Return") + tender("3.00", code="Refund"),
    ],
)
def test_a_void_takes_a_whole_receipt_back_and_waits_for_it(content: str, items: str) -> None:
    (found,) = read(decode_poslog, received(poslog(transaction(content.format(items)))))

    document = receipt(found)
    assert document.kind is ReceiptKind.VOID
    assert document.voids is not None
    assert document.voids.sequence == 40
    assert figures(document)["total"] == figures(document)["lines"] == figures(document)["tenders"] == "-3.00"
    assert isinstance(found, Decoded)
    assert found.waits_for == "receipt/7/2/2026-11-27/40"


def test_the_void_of_a_return_brings_the_money_back() -> None:
    items = goods("3.00", element="Return") + tender("3.00")
    (found,) = read(
        decode_poslog, received(poslog(transaction(f"<RetailTransaction>{VOID_LINK}{items}</RetailTransaction>")))
    )

    assert receipt(found).total == receipt(found).lines_total == 3


def test_a_void_of_nothing_is_set_aside() -> None:
    (found,) = read(decode_poslog, received(poslog(sale(goods(), status="PostVoided"))))

    assert damage(found).endswith("/TransactionLink: wanted the receipt that is voided, got nothing")


@pytest.mark.parametrize(
    ("content", "attributes", "kind"),
    [
        ("<ControlTransaction><ReasonCode>NoSale</ReasonCode></ControlTransaction>", {}, ReceiptKind.CONTROL),
        ("<TenderControlTransaction/>", {}, ReceiptKind.CONTROL),
        ("<RetailTransaction>{}</RetailTransaction>", {"TrainingModeFlag": "true"}, ReceiptKind.TRAINING),
        ("<RetailTransaction>{}</RetailTransaction>", {"CancelFlag": "true"}, ReceiptKind.CANCELLED),
        ('<RetailTransaction TransactionStatus="Suspended">{}</RetailTransaction>', {}, ReceiptKind.CANCELLED),
        ('<RetailTransaction TransactionStatus="X:Voided">{}</RetailTransaction>', {}, ReceiptKind.CANCELLED),
    ],
)
def test_what_posts_nothing_still_uses_its_number(content: str, attributes: dict[str, str], kind: ReceiptKind) -> None:
    unreadable = goods(quantity="two") + tender("3.00")
    body = poslog(transaction(content.format(unreadable), **attributes))
    (found,) = read(decode_poslog, received(body))

    document = receipt(found)
    assert (document.kind, document.sequence) == (kind, 41)
    assert not any((document.total, document.lines, document.tenders))
    assert isinstance(found, Decoded)
    assert found.event_id != found.key, "the number may be finished later"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<ForecourtTransaction/>", "wanted a RetailTransaction or a control transaction"),
        ('<RetailTransaction TransactionStatus="Odd"/>', 'not a known status: "Odd"'),
        (
            "<RetailTransaction><LineItem><Deposit><Amount>5.00</Amount></Deposit></LineItem></RetailTransaction>",
            "money on a line of a kind that is not understood",
        ),
    ],
)
def test_what_is_not_understood_goes_to_a_person(content: str, message: str) -> None:
    (found,) = read(decode_poslog, received(poslog(transaction(content))))

    assert message in damage(found)


def test_figures_that_do_not_add_up_come_through_as_stated() -> None:
    (found,) = read(decode_poslog, received(poslog(sale(goods("3.00"), tender("4.00"), total="5.00"))))

    assert figures(receipt(found)) == {"total": "5.00", "lines": "3.00", "tenders": "4.00", "tax": "0"}


def test_goods_out_and_money_out_are_not_talked_into_agreement() -> None:
    (found,) = read(decode_poslog, received(poslog(sale(goods("3.00"), tender("3.00", code="Refund"), total="3.00"))))

    assert figures(receipt(found)) == {"total": "-3.00", "lines": "3.00", "tenders": "-3.00", "tax": "0"}


def test_the_time_of_the_transaction_is_meant_not_that_of_the_message() -> None:
    stamps = (
        '<POSLogDateTime TypeCode="Message">2026-11-28T09:00:00Z</POSLogDateTime>'
        '<POSLogDateTime TypeCode="Transaction">2026-11-27T18:05:00-05:00</POSLogDateTime>'
    )
    body = sale(goods(), tender("3.00")).replace("<EndDateTime>2026-11-27T18:05:00</EndDateTime>", stamps)
    (found,) = read(decode_poslog, received(poslog(body)))

    assert receipt(found).ended_at == datetime(2026, 11, 27, 23, 5, tzinfo=UTC)


def test_cash_rounding_is_kept_apart() -> None:
    rounding = "<LineItem><Rounding><Amount>-0.02</Amount></Rounding></LineItem>"
    (found,) = read(decode_poslog, received(poslog(sale(goods("3.02"), rounding, tender("3.00"), total="3.00"))))

    assert (receipt(found).rounding, receipt(found).lines_total, receipt(found).total) == (
        Decimal("-0.02"),
        Decimal("3.02"),
        Decimal("3.00"),
    )


def test_the_quantity_that_the_price_counts_by_is_meant() -> None:
    both = '<Quantity UnitOfMeasureCode="Kg">0.42</Quantity><RegularSalesUnitPrice>{}</RegularSalesUnitPrice>'
    for price, quantity, unit in (("2.99", "0.42", "kg"), ("1.26", "1", "each")):
        (found,) = read(decode_poslog, received(poslog(sale(goods("1.26", more=both.format(price)), tender("1.26")))))

        assert (receipt(found).lines[0].quantity, receipt(found).lines[0].unit) == (Decimal(quantity), unit)


def test_the_estates_words_replace_theirs() -> None:
    body = sale(
        goods("12.00", more=tax("2.00")), tender("7.00", "X:Scheme"), tender("5.00", more="<TenderID>9</TenderID>")
    )
    message = received(poslog(body))
    names = {
        "locations": {"7": "store-7"},
        "tenders": {"Scheme": "loyalty", "Cash/9": "euro"},
        "taxes": {"20": "standard"},
    }
    renamed = type(message)(
        connection=message.connection, feed=message.feed, body=message.body, headers={},
        received_at=message.received_at, settings=message.settings,
        zones={"store-7": message.zones["7"]}, names=names,
    )  # fmt: skip
    (found,) = read(decode_poslog, renamed)

    assert receipt(found).store == "store-7"
    assert [each.tender for each in receipt(found).tenders] == ["loyalty", "euro"]
    assert receipt(found).lines[0].taxes[0].code == "standard"


def test_a_vendors_own_elements_are_not_taken_for_the_standards() -> None:
    extra = '<LineItem><K xmlns="urn:vendor"><Total TotalType="TransactionGrandAmount">99</Total></K></LineItem>'
    own = '<Total xmlns="urn:vendor" TotalType="TransactionGrandAmount">77</Total>'
    (found,) = read(decode_poslog, received(poslog(sale(extra, own, goods(), tender("3.00"), total="3.00"))))

    assert receipt(found).total == 3


@pytest.mark.parametrize("namespace", ["http://www.nrf-arts.org/IXRetail/v6.0.0/poslog", ""])
def test_every_namespace_of_the_standard_is_understood(namespace: str) -> None:
    (found,) = read(decode_poslog, received(poslog(sale(goods(), tender("3.00")), namespace=namespace)))

    assert receipt(found).total == 3


BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (f'<!DOCTYPE POSLog [<!ENTITY a0 "ha">{BOMB}]><POSLog><Transaction>&a9;</Transaction></POSLog>', "document type"),
        ('<!DOCTYPE POSLog [<!ENTITY x SYSTEM "file:///etc/passwd">]><POSLog>&x;</POSLog>', "document type"),
        ('<!DOCTYPE POSLog SYSTEM "http://127.0.0.1:9/x.dtd"><POSLog/>', "document type"),
        ('<POSLog xmlns="urn:other"><Transaction/></POSLog>', "known namespace"),
        ("<Catalog/>", "known namespace"),
        ("", "not XML"),
        ("store,till,amount\n1,2,3\n", "not XML"),
        ("<a>" * 300, "not XML"),
    ],
)  # fmt: skip
def test_what_is_no_safe_poslog_is_refused_whole(body: str, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        read(decode_poslog, received(body))


def test_a_file_cut_off_yields_what_came_before_and_says_where() -> None:
    whole = poslog(sale(goods(), tender("3.00")), sale(goods(), tender("3.00")))
    first, cut = read(decode_poslog, received(whole[: len(whole) - 60]))

    assert receipt(first).total == 3
    assert damage(cut).startswith("/POSLog/Transaction[2]: nothing can be read from here on: the file ends too early")


def test_a_file_that_breaks_in_the_middle_yields_what_came_before() -> None:
    whole = poslog(sale(goods(), tender("3.00")), "<Transaction></Oops>", sale(goods(), tender("3.00")))
    first, cut = read(decode_poslog, received(whole))

    assert receipt(first).total == 3
    assert damage(cut).startswith("/POSLog/Transaction[2]: nothing can be read from here on: ")


def test_a_trailer_count_proves_that_the_file_is_whole() -> None:
    one = sale(goods(), tender("3.00"))
    assert len(read(decode_poslog, received(poslog(one, "<TransactionCount>1</TransactionCount>")))) == 1

    found = read(decode_poslog, received(poslog("<TransactionCount>2</TransactionCount>", one)))
    assert damage(found[-1]) == '/POSLog/TransactionCount: says "2", the file holds 1'


def test_a_transaction_beyond_its_size_is_refused() -> None:
    huge = "<!-- --><X>y</X>" * (TRANSACTION_BYTES_MAX // 16 + 10_000)
    first, cut = read(decode_poslog, received(poslog(sale(goods(), tender("3.00")), transaction(huge))))

    assert receipt(first).total == 3
    assert "4 MiB without the end of a transaction" in damage(cut)


def test_a_long_file_is_never_in_memory_as_a_whole() -> None:
    body = poslog(*[sale(goods(), tender("3.00"))] * 3_000).encode()
    widths = []
    for node in transactions(body):
        assert isinstance(node, Node)
        parent = node.element.getparent()
        assert parent is not None
        widths.append(len(parent))

    assert len(widths) == 3_000
    assert max(widths) < 200, "only the transactions of one chunk are held"


def test_the_same_receipt_in_another_file_is_the_same_event() -> None:
    one = sale(goods(), tender("3.00"))
    alone = read(decode_poslog, received(poslog(one)))
    (_, among) = read(decode_poslog, received(poslog(transaction("<ControlTransaction/>"), one)))

    assert isinstance(alone[0], Decoded)
    assert isinstance(among, Decoded)
    assert alone[0] == among
    assert alone[0].key == "receipt/7/2/2026-11-27/41"
