"""Each way an estate can be wrong is told with its file and line, and nothing wrong is ever applied."""

from pathlib import Path

import pytest

from crossdock.estate.files import read_folder
from crossdock.estate.schema import estate_schema
from estate.estate_files import COMPANY, CONNECTIONS, SOUND, checked, said, spoilt, write


def test_a_sound_estate_has_no_complaints(tmp_path: Path) -> None:
    result = checked(tmp_path)

    assert said(result) == []
    assert result.estate is not None
    assert [channel.pool for channel in result.estate.channels] == [("DC1", "S1")]


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("currency: EUR\n  zone", "currency: EUX\n  zone", '1-company.yaml:3: "EUX" is not an ISO 4217 currency code'),
        ("currency: EUR\n    connection", "currency: XQX\n    connection", '2-places.yaml:12: "XQX" is not an ISO'),
        (
            "currency: EUR\n  zone: Europe/Berlin\n",
            "currency: EUR\n  zone: Europe/Berlin\ntill_posting: {currencies: [CHF, SFR]}\n",
            '1-company.yaml:5: "SFR" is not an ISO 4217 currency code',
        ),
        ("  zone: Europe/Berlin\n", "  zone: Europe/Berlim\n", '1-company.yaml:4: "Europe/Berlim" is not an IANA time'),
        ("    zone: Europe/Berlin", "    zone: Europe/Berlim", '2-places.yaml:8: "Europe/Berlim" is not an IANA time'),
        ("code: S1", "code: DC1", '2-places.yaml:5: "DC1" stands twice in locations'),
        ("name: erp", "name: shop", '3-connections.yaml:8: "shop" stands twice in connections'),
        ("pool: [DC1, S1]", "pool: [DC1, S9]", '2-places.yaml:14: there is no location or group "S9"'),
        ("connection: shop\n    pool", "connection: shoop\n    pool", '2-places.yaml:13: there is no connection "shoop"'),
        ("channel: web", "channel: webb", '3-connections.yaml:4: there is no channel "webb"'),
        ("connector: toyshop", "connector: toyshoop", '3-connections.yaml:3: there is no connector "toyshoop" (installed'),
        ("url: http", "uri: http", '3-connections.yaml:6: "toyshop" has no setting "uri"'),
        ("url: http://127.0.0.1:1", "url: shop.example.org", '3-connections.yaml:6: "url": "shop.example.org" is no address'),
        ("url: http", "mode: fast\n      url: http", '3-connections.yaml:6: "mode": must be one of live, test'),
        ("    settings:", "    lookups: {tender: {cash: C}}\n    settings:", '3-connections.yaml:5: "toyshop" reads no lookup "tender"'),
        ("${SHOP_PASSWORD}", "hunter2", '3-connections.yaml:7: "password" is a secret: write ${ENV_NAME} or file:/path'),
        ("      url: http://127.0.0.1:1\n", "", '3-connections.yaml:2: "shop" needs the setting "url": Address'),
        ("kind: stock.publish", "kind: journal.post", '3-connections.yaml:13: connector "toyshop" cannot carry journal'),
        ("kind: store", "kind: kiosk", "2-places.yaml:7: `locations.1.kind`: 'kiosk' is not one of"),
        ("    name: Warehouse", "    nmae: Warehouse", "2-places.yaml:3: unknown field `nmae`; did you mean `name`?"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_line_and_nothing_can_be_applied(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    result = spoilt(tmp_path, before, after)

    assert result.estate is None
    assert any(text.startswith(complaint) for text in said(result)), said(result)


def test_a_missing_field_is_told_at_the_thing_that_lacks_it(tmp_path: Path) -> None:
    result = spoilt(tmp_path, "    name: Store 1\n", "")

    assert said(result) == ["2-places.yaml:5: `locations.1`: 'name' is a required property"]


def test_sales_that_nothing_undoes_are_a_warning_until_a_flow_does(tmp_path: Path) -> None:
    """Only where the connector could: the account books of `books` cannot."""
    ledger = "  - name: erp\n    connector: ledger\n"
    told = spoilt(tmp_path, "  - name: erp\n    connector: books\n", ledger)
    undone = spoilt(
        tmp_path,
        "  - name: erp\n    connector: books\nflows:\n",
        f"{ledger}flows:\n  - {{kind: sale.cancel, connection: erp}}\n",
    )

    (warning,) = said(told)
    assert warning.startswith('3-connections.yaml:11: warning: "erp" gets sales, and keeps them when')
    assert warning.endswith("add a flow sale.cancel")
    assert told.estate is not None
    assert said(undone) == []


def test_two_connections_must_not_carry_the_same_finance_flow_for_one_channel(tmp_path: Path) -> None:
    second = "  - name: erp2\n    connector: books\n"
    both = CONNECTIONS.replace("flows:\n", f"{second}flows:\n")

    result = checked(
        tmp_path, {**SOUND, "3-connections.yaml": both}, more="flows:\n  - kind: sale.post\n    connection: erp2\n"
    )

    assert said(result) == [
        'more.yaml:2: sale.post goes through "erp" already: an order would become two documents',
    ]
    assert result.estate is None


def test_finance_flows_of_different_channels_may_go_different_ways(tmp_path: Path) -> None:
    split = CONNECTIONS.replace("flows:\n", "  - name: erp2\n    connector: books\nflows:\n").replace(
        "    connection: erp\n", "    connection: erp\n    channels: [web]\n"
    )
    more = (
        "channels:\n  - code: phone\n    name: Phone\n    currency: EUR\n    pool: [DC1]\n"
        "flows:\n  - kind: sale.post\n    connection: erp2\n    channels: [phone]\n"
    )

    assert said(checked(tmp_path, {**SOUND, "3-connections.yaml": split}, more=more)) == []


def test_a_channel_without_a_pool_and_a_rule_that_never_wins_are_only_warnings(tmp_path: Path) -> None:
    more = (
        "channels:\n  - code: phone\n    name: Phone\n    currency: EUR\n"
        "safety_stock:\n  - sku: A\n    quantity: 2\n  - quantity: 1\n"
        "channel_buffers:\n  - channel: web\n    quantity: 2\n  - quantity: 0.5\n"
    )

    result = checked(tmp_path, more=more)

    assert said(result) == [
        'more.yaml:2: warning: channel "phone" has no pool: it can promise nothing',
        "more.yaml:6: warning: never wins: rule 2 of safety_stock is later and matches everything that this one does",
        "more.yaml:10: warning: never wins: rule 2 of channel_buffers is later and matches everything that this one does",
    ]
    assert result.estate is not None
    assert str(result.estate.channel_buffers[1].quantity) == "0.5"


def test_a_specific_rule_after_a_general_one_is_as_it_should_be(tmp_path: Path) -> None:
    assert said(checked(tmp_path, more="safety_stock:\n  - quantity: 1\n  - sku: A\n    quantity: 2\n")) == []


# ---------------------------------------------------------------- files


def test_every_value_of_merged_files_knows_its_own_line(tmp_path: Path) -> None:
    more = "locations:\n  # a comment\n  - code: S2\n    name: Store 2\n    kind: store\n\n  - {code: S3, name: x, kind: store}\n"
    folder = read_folder(write(tmp_path, more=more))

    assert [str(folder.place_of(["locations", index, "code"])) for index in range(4)] == [
        "2-places.yaml:2",
        "2-places.yaml:5",
        "more.yaml:3",
        "more.yaml:7",
    ]
    assert str(folder.place_of(["company", "currency"])) == "1-company.yaml:3"
    assert str(folder.place_of(["locations", 2, "absent", "deeper"])) == "more.yaml:3"
    assert str(folder.place_of(["nowhere"])) == "estate:1"


def test_a_single_section_may_stand_once(tmp_path: Path) -> None:
    result = checked(tmp_path, again=COMPANY)

    assert said(result) == ["again.yaml:1: `company` stands already at 1-company.yaml:1"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("locations:\n  - code: [\n", "broken.yaml:3: not YAML"),
        ("a: 1\na: 2\n", "broken.yaml:2: not YAML: found duplicate key"),
        ("- just\n- a list\n", "broken.yaml:1: wanted sections"),
        ("loose: {}\n", "broken.yaml:1: unknown field `loose`"),
        ("safety_stock:\n  - quantity: .nan\n", "broken.yaml:2: not YAML: .nan is not a number"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_nothing_is_applied(tmp_path: Path, text: str, complaint: str) -> None:
    result = checked(tmp_path, broken=text)

    assert result.estate is None
    assert any(line.startswith(complaint) for line in said(result)), said(result)


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"company:\n  name: Caf\xe9\n")

    assert any(line.startswith("latin.yaml:1: not YAML") for line in said(checked(tmp_path)))


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    assert said(checked(tmp_path, {}))[0].endswith("no .yaml files here; see docs/how-to/estate.md")


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert said(checked(tmp_path, later="# to be written\n")) == []


def test_decimals_stay_what_was_written(tmp_path: Path) -> None:
    result = checked(tmp_path, more="safety_stock:\n  - quantity: 0.1\n  - sku: A\n    quantity: '0.30'\n")

    assert result.estate is not None
    assert [str(rule.quantity) for rule in result.estate.safety_stock] == ["0.1", "0.30"]


def test_the_schema_for_editors_describes_every_section() -> None:
    schema = estate_schema()

    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert {"company", "locations", "channels", "connections", "flows", "ownership"} <= set(properties)
    assert schema["additionalProperties"] is False


def test_rules_for_files_of_a_connector_that_reads_none_are_doubtful(tmp_path: Path) -> None:
    result = spoilt(tmp_path, "    connector: books\n", "    connector: books\n    drop: {settle_s: 1}\n")

    assert said(result) == [
        '3-connections.yaml:10: warning: connector "books" reads no files: these rules have no effect'
    ]
    assert result.estate is not None


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        ("safety_stock:\n  - mode: pickup\n    quantity: 2\n", "no location serves pickup"),
        ("safety_stock:\n  - location: S1\n    mode: pickup\n    quantity: 2\n", '"S1" does not serve pickup'),
        ("ownership:\n  - owner: finance\n    type: receipt_gaps\n", 'there is no exception of type "receipt_gaps"'),
    ],
)  # fmt: skip
def test_a_rule_that_can_match_nothing_is_doubtful(tmp_path: Path, rules: str, complaint: str) -> None:
    result = checked(tmp_path, exception_types=("receipt_gap", "feed_silent"), more=rules)

    (text,) = said(result)
    assert text.startswith("more.yaml:")
    assert text.endswith(f": warning: matches nothing: {complaint}")
    assert result.estate is not None


def test_safety_stock_of_a_location_that_no_channel_sells_from_has_no_effect(tmp_path: Path) -> None:
    more = (
        "locations:\n  - code: S2\n    name: Store 2\n    kind: store\n"
        "safety_stock:\n  - location: S2\n    quantity: 2\n  - location: S1\n    quantity: 1\n"
    )

    assert said(checked(tmp_path, more=more)) == ['more.yaml:6: warning: has no effect: "S2" is in no channel\'s pool']


def test_a_later_owner_of_everything_takes_it_from_all_before(tmp_path: Path) -> None:
    more = "ownership:\n  - owner: finance\n    type: receipt_gap\n  - owner: operations\n"
    right = "ownership:\n  - owner: operations\n  - owner: finance\n    type: receipt_gap\n"

    assert said(checked(tmp_path, more=more)) == [
        "more.yaml:2: warning: never wins: rule 2 of ownership is later and matches everything that this one does"
    ]
    assert said(checked(tmp_path, more=right)) == []
