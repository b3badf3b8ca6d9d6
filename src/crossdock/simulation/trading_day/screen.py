"""What a person sees: bars while the stage is set, a board while the day runs, the proof at its end."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from crossdock.simulation.trading_day.feed import Feed, OrderStory
from crossdock.simulation.trading_day.play import Outside
from crossdock.simulation.trading_day.proof import Claim

STEPS = (
    ("order.accepted", "orders accepted"),
    ("order.placed", "orders on stock"),
    ("fulfilment.shipped", "parcels shipped"),
    ("order.completed", "orders complete"),
    ("receipt.recorded", "till receipts"),
    ("store_day.closed", "store days closed"),
)


EXCEPTIONS_SHOWN = 8


class Bars:
    """One bar per step of setting the stage."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<46}"), BarColumn(30), TimeElapsedColumn(), console=console
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def report(self, step: str, done: float) -> None:
        """A step has come this far."""
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(step, total=1.0)
        self._progress.update(self._tasks[step], completed=done)
        if done >= 1.0:
            self._progress.stop_task(self._tasks[step])


class Board:
    """The running day: on a terminal a board that redraws, elsewhere a line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self._lines = 0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, phase: str, outside: Outside, feed: Feed, waiting: int, published: int) -> None:
        """The state of things now."""
        if self._console.is_terminal:
            self._live.update(_board(phase, outside, feed, waiting, published))
            return
        self._lines += 1
        if self._lines % 10 == 1:
            self._console.print(_line(phase, outside, feed, waiting, published), soft_wrap=True)


def _board(phase: str, outside: Outside, feed: Feed, waiting: int, published: int) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column()
    landed = sum(feed.landed.values())
    rows = [
        ("receipts rung up", str(outside.receipts_sent), "documents landed", str(landed)),
        ("web orders bought", str(outside.web_orders), "documents waiting", str(waiting)),
        ("turned away (sold out)", str(outside.turned_away), "exceptions open", str(len(feed.open_exceptions))),
        ("", "", "stock figures shown", str(published)),
    ]
    rows += [(name, str(feed.counts[kind]), "", "") for kind, name in STEPS]
    for row in rows:
        table.add_row(*row)
    erp = (
        Text("ERP is DOWN: trading goes on", style="bold red") if outside.erp_away else Text("ERP is up", style="green")
    )
    latest = Text("\n".join(feed.latest), style="dim")
    return Panel(Group(erp, table, latest), title=f"{phase}  {outside.now_playing}", border_style="blue")


def _line(phase: str, outside: Outside, feed: Feed, waiting: int, published: int) -> str:
    erp = "DOWN" if outside.erp_away else "up"
    return (
        f"{phase} {outside.now_playing}: {outside.receipts_sent} till events and {outside.web_orders} web orders sent; "
        f"{feed.counts['receipt.recorded']} receipts booked, {feed.counts['order.completed']} orders complete, "
        f"{sum(feed.landed.values())} documents landed, {waiting} waiting, "
        f"{published} stock figures shown to the shop, ERP {erp}"
    )


def print_proof(console: Console, claims: Sequence[Claim]) -> None:
    """One line per claim, red where it does not hold."""
    table = Table(title="The proof", title_justify="left", box=None, header_style="bold")
    for column in ("", "what must be true", "counted"):
        table.add_column(column)
    for claim in claims:
        mark = Text("holds", style="green") if claim.holds else Text("FAILS", style="bold red")
        table.add_row(mark, claim.text, claim.figures)
        for difference in claim.differences:
            table.add_row("", Text(f"  {difference}", style="red"), "")
    console.print(table)


def print_people(console: Console, feed: Feed) -> None:
    """What the day leaves for people."""
    left = sorted(feed.open_exceptions.values())
    console.print(f"\nLeft for people: {len(left)} exceptions, each with its owner and clock.", style="bold")
    for line in left[:EXCEPTIONS_SHOWN]:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    if len(left) > EXCEPTIONS_SHOWN:
        console.print(f"  and {len(left) - EXCEPTIONS_SHOWN} more")


def print_verdict(console: Console, claims: Sequence[Claim]) -> None:
    """The last line."""
    holding = sum(claim.holds for claim in claims)
    well = holding == len(claims)
    console.print(
        f"\n{holding} of {len(claims)} claims hold: {'the day adds up.' if well else 'the day does NOT add up.'}",
        style="bold green" if well else "bold red",
    )


def slowest(feed: Feed) -> OrderStory | None:
    """The order that took longest from acceptance to completion."""
    done = [order for order in feed.orders.values() if order.completed_at is not None]
    return max(done, key=lambda order: _took(order.accepted_at, order.completed_at), default=None)


def interrupted(feed: Feed, down_at: datetime | None) -> OrderStory | None:
    """An order accepted while the ERP was away."""
    if down_at is None:
        return None
    later = [order for order in feed.orders.values() if order.accepted_at >= down_at]
    return min(later, key=lambda order: order.accepted_at, default=None)


def _took(start: datetime, end: datetime | None) -> Decimal:
    assert end is not None
    return Decimal(str((end - start).total_seconds()))
