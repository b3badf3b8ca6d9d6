"""What is said about life-cycle tables is true of the table."""

from enum import StrEnum

from crossdock.foundation.lifecycle import diagram, ends, reachable


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    BROKEN = "broken"
    FORGOTTEN = "forgotten"


class News(StrEnum):
    SWITCHED = "switched"
    STRUCK = "struck"


TABLE = {
    (Light.RED, News.SWITCHED): Light.GREEN,
    (Light.GREEN, News.SWITCHED): Light.RED,
    (Light.GREEN, News.STRUCK): Light.BROKEN,
    (Light.BROKEN, News.STRUCK): Light.BROKEN,
    (Light.FORGOTTEN, News.STRUCK): Light.BROKEN,
}


def test_reachable_is_what_facts_lead_to_and_nothing_else() -> None:
    assert reachable(TABLE, [Light.RED]) == {Light.RED, Light.GREEN, Light.BROKEN}
    assert reachable(TABLE, [Light.BROKEN]) == {Light.BROKEN}


def test_an_end_is_left_by_nothing_though_it_may_absorb() -> None:
    assert ends(TABLE) == {Light.BROKEN}


def test_the_picture_shows_every_move_once_and_no_standstill() -> None:
    picture = diagram(TABLE, [Light.RED]).splitlines()

    assert picture[0] == "stateDiagram-v2"
    assert "    [*] --> red" in picture
    assert "    green --> broken: struck" in picture
    assert "    broken --> [*]" in picture
    assert not any(line.startswith("    broken --> broken") for line in picture)
