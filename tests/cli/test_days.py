"""Store days, as the command line closes them."""

from datetime import timedelta

from cli.conftest import Desk
from crossdock.foundation.clock import SYSTEM_CLOCK

STORE = """\
locations:
  - {code: S01, name: North, kind: store, zone: Europe/Berlin}
"""


def test_a_day_of_the_future_is_refused_in_one_sentence_and_one_that_has_begun_is_closed(connected: Desk) -> None:
    (connected.estate / "stores.yaml").write_text(STORE)
    assert connected.run("estate", "apply").code == 0
    today = SYSTEM_CLOCK.now().date()

    early = connected.run("day", "close", (today + timedelta(days=3)).isoformat())

    assert early.code == 2
    assert early.err.startswith(f"{today + timedelta(days=3)} has not begun in S01, where today is ")
    assert connected.run("day", "list").out == "No receipts have come in.\n"
    assert connected.run("day", "close", (today - timedelta(days=1)).isoformat()).code == 0
