"""Pools, groups and rules of the promise: what leads nowhere is refused, what cannot decide is doubted."""

from pathlib import Path

import pytest

from crossdock.estate.model import Estate
from estate.estate_files import checked, said

GROUPS = """\
locations:
  - {code: S2, name: Store 2, kind: store, modes: [pickup]}
  - {code: S3, name: Store 3, kind: store}
location_groups:
  - {code: north, members: [S1, S2]}
  - {code: stores, members: [S3, north]}
pools:
  - {code: online, members: [DC1, stores]}
channels:
  - {code: app, name: App, currency: EUR, pool: online, backorder: true}
"""


def estate(tmp_path: Path, more: str = "") -> Estate:
    result = checked(tmp_path, groups=GROUPS, more=more or "ownership: []\n")
    assert result.estate is not None, said(result)
    return result.estate


def test_a_pool_is_its_locations_with_groups_where_they_stand(tmp_path: Path) -> None:
    found = estate(tmp_path)

    assert [tuple(found.pool_of(channel)) for channel in found.channels] == [
        ("web", ("DC1", "S1")),
        ("online", ("DC1", "S3", "S1", "S2")),
    ]


def test_a_group_inside_itself_is_refused_and_ends_nothing(tmp_path: Path) -> None:
    more = "location_groups:\n  - {code: east, members: [west]}\n  - {code: west, members: [east, DC1]}\n"
    result = checked(tmp_path, more=more)

    assert said(result) == [
        'more.yaml:2: "east" is a member of itself',
        'more.yaml:3: "west" is a member of itself',
    ]
    assert Estate.locations_of(estate(tmp_path), ["north", "north", "S9"]) == ("S1", "S2", "S9")


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("location_groups:\n  - {code: S1, members: [DC1]}\n", 'more.yaml:2: "S1" is a location already'),
        ("location_groups:\n  - {code: east, members: [S9]}\n", 'more.yaml:2: there is no location or group "S9"'),
        ("pools:\n  - {code: web, members: [DC1]}\n", "2-places.yaml:14: lists locations of its own although there is a pool"),
        ("pools:\n  - {code: online, members: [DC1]}\n", 'more.yaml:2: "online" stands twice in pools'),
        ("channels:\n  - {code: b, name: B, currency: EUR, pool: web}\n", 'more.yaml:2: there is no pool "web"'),
        ("safety_stock:\n  - {quantity: 1, group: east}\n", 'more.yaml:2: there is no group "east"'),
        ("segments:\n  - {channel: b, units: 1}\n", 'more.yaml:2: there is no channel "b"'),
        ("backorder_limits:\n  - {pool: b, quantity: 1}\n", 'more.yaml:2: there is no pool or channel "b"'),
        ("stop_sell:\n  - {location: S9}\n", 'more.yaml:2: there is no location "S9"'),
        ("locations:\n  - {code: S4, name: x, kind: store, told_by: [tills/x]}\n", 'more.yaml:2: there is no connection "tills"'),
        ("segments:\n  - {channel: web}\n", "more.yaml:2: a segment needs `units` or `percent`, one of both"),
        ("segments:\n  - {channel: web, percent: 101}\n", "more.yaml:2: `percent` must not be above 100"),
        ("safety_stock:\n  - {quantity: -1}\n", "more.yaml:2: `quantity` must not be negative"),
        ("publish_limits:\n  - {channel: web}\n", "more.yaml:2: a publish limit needs `minimum` or `maximum`"),
        (
            "stop_sell:\n  - {since: 2026-11-27T00:00:00+01:00, until: 2026-11-26T23:00:00Z}\n",
            "more.yaml:2: `until` must be later than `since`",
        ),
        ("stop_sell:\n  - {until: 2026-11-27}\n", "more.yaml:2: "),
        ("staleness:\n  - {grace: 15}\n", "more.yaml:2: `staleness.0.grace`"),
        ("stop_sell:\n  - {category: food..tea}\n", "more.yaml:2: `stop_sell.0.category`"),
    ],
)  # fmt: skip
def test_what_leads_nowhere_or_contradicts_itself_is_refused_with_its_line(
    tmp_path: Path, more: str, complaint: str
) -> None:
    result = checked(tmp_path, groups=GROUPS, more=more)

    assert result.estate is None
    assert any(text.startswith(complaint) for text in said(result)), said(result)


def test_a_time_keeps_the_zone_that_was_written(tmp_path: Path) -> None:
    found = estate(tmp_path, "stop_sell:\n  - {sku: A, until: 2026-11-27T00:00:00+01:00}\n")

    assert str(found.stop_sell[0].until) == "2026-11-27 00:00:00+01:00"


NEVER = "warning: never wins: rule 2 of {} is later and matches everything that this one does"


@pytest.mark.parametrize(
    ("section", "first", "second", "wins"),
    [
        ("safety_stock", "quantity: 1, category: food.tea", "quantity: 2, category: food", False),
        ("safety_stock", "quantity: 1, category: foodstuff", "quantity: 2, category: food", True),
        ("safety_stock", "quantity: 1, location: S1", "quantity: 2, group: stores", False),
        ("safety_stock", "quantity: 1, group: north", "quantity: 2, group: stores", False),
        ("safety_stock", "quantity: 1, group: stores", "quantity: 2, group: north", True),
        ("safety_stock", "quantity: 1, location: DC1", "quantity: 2, group: stores", True),
        ("channel_buffers", "quantity: 1, mode: ship", "quantity: 2, channel: web", True),
        ("segments", "channel: app, units: 1, sku: A", "channel: app, percent: 5", False),
        ("segments", "channel: app, units: 1", "channel: app, percent: 5, until: 2026-11-27T00:00:00Z", True),
        ("publish_limits", "maximum: 5, sku: A", "maximum: 9", True),
        ("publish_limits", "maximum: 5, sku: A", "minimum: 1, maximum: 9", False),
        ("stop_sell", "sku: A, channel: web", "sku: A, stop: false", False),
        ("staleness", "grace: 1h, sku: A, location: S1", "grace: 2h, sku: A", False),
        ("backorder_limits", "quantity: 1, pool: online", "quantity: 2", False),
    ],
)
def test_a_rule_is_doubted_when_a_later_one_matches_whenever_it_does(
    tmp_path: Path, section: str, first: str, second: str, *, wins: bool
) -> None:
    result = checked(tmp_path, groups=GROUPS, more=f"{section}:\n  - {{{first}}}\n  - {{{second}}}\n")

    assert (f"more.yaml:2: {NEVER.format(section)}" not in said(result)) is wins, said(result)


@pytest.mark.parametrize(
    ("more", "doubt"),
    [
        ("safety_stock:\n  - {quantity: 1, location: DC1, group: north}\n", "matches nothing: it names a location that is not in its group"),
        ("safety_stock:\n  - {quantity: 1, location: DC1, mode: pickup}\n", 'matches nothing: "DC1" does not serve pickup'),
        ("channel_buffers:\n  - {quantity: 1, channel: web, mode: pickup}\n", "matches nothing: no location serves pickup"),
        ("stop_sell:\n  - {channel: web, location: S2}\n", "matches nothing: no channel that it is for is served from there"),
        ("backorder_limits:\n  - {quantity: 1, pool: web}\n", "matches nothing: no channel that it is for says `backorder: true`"),
        ("staleness:\n  - {grace: 1h}\n", "matches nothing: no location says in `told_by` whose silence counts"),
    ],
)  # fmt: skip
def test_a_rule_that_can_match_nothing_is_doubted(tmp_path: Path, more: str, doubt: str) -> None:
    result = checked(tmp_path, groups=GROUPS, more=more)

    assert any(text.startswith(f"more.yaml:2: warning: {doubt}") for text in said(result)), said(result)
    assert result.estate is not None


def test_a_pool_that_nobody_uses_and_a_segment_that_does_not_protect_are_doubted(tmp_path: Path) -> None:
    more = "pools:\n  - {code: spare, members: [DC1]}\nsegments:\n  - {channel: app, units: 5}\n"

    unused, stranger = said(checked(tmp_path, groups=GROUPS, more=more))
    assert unused == 'more.yaml:2: warning: no channel uses the pool "spare"'
    assert stranger.startswith("more.yaml:4: warning: does not protect against web: other pools than online")
