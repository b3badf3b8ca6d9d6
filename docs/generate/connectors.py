"""What each installed connector asks for and does; the coverage table."""

from collections.abc import Iterable
from datetime import timedelta

from crossdock.assembly.registry import connectors
from crossdock.connector_kit.model import Connector, FileDrop, Send

from .markdown import code, page, table


def connectors_page() -> str:
    """One section per connector, from its declaration."""
    return page(
        "Connectors",
        "What the installed connectors declare: the settings that `crossdock connection add` asks for, the feeds they read, the "
        "intents they carry. Secrets are written into the estate by reference only (`${ENV_NAME}` or `file:/path`). To write one: "
        "[Write a connector](../how-to/write-a-connector.md).",
        *(part for connector in connectors().values() for part in _about(connector)),
    )


def _about(connector: Connector) -> Iterable[str]:
    yield f"## {connector.title}"
    yield f"Connector `{connector.name}`, role {connector.role}. {connector.summary}"
    yield "### Settings of " + connector.name
    yield table(
        ("setting", "meaning", "default", "secret"),
        [
            (
                code(setting.name),
                f"{setting.title}. {setting.help}"
                + (f" One of {', '.join(setting.choices)}." if setting.choices else ""),
                "required" if setting.default is None else code(setting.default) or "none",
                "yes" if setting.secret else "no",
            )
            for setting in connector.settings
        ],
    )
    yield f"### Lookups of {connector.name}"
    yield f"Code tables that it reads from the estate: {', '.join(map(code, connector.lookups)) or 'none'}."
    yield f"### What {connector.name} reads"
    yield table(("feed", "how", "when"), list(_reads(connector)))
    if connector.sends:
        yield f"### What {connector.name} carries"
        yield table(("intent", "after an unsure end", "at a time"), [_carries(send) for send in connector.sends])
    yield f"### Limits of {connector.name}"
    yield _limits(connector)


def _reads(connector: Connector) -> Iterable[tuple[str, str, str]]:
    if connector.webhooks is not None:
        for topic in connector.webhooks.topics:
            yield code(topic.topic), "webhook, signature checked", "when the vendor sends it"
    for pull in connector.pulls:
        yield code(pull.name), "poll", f"every {_span(pull.every)}, reaching back {_span(pull.overlap)}"
    for drop in connector.drops:
        yield code(drop.name), f"file `{drop.pattern}` in the drop folder{_marker(drop)}", _taken(drop)
    for upload in connector.uploads:
        yield code(upload.name), f"HTTP upload of `{upload.pattern}`", "when it is posted"
    for load in connector.loads:
        yield code(load.name), "first load", f"`crossdock load CONNECTION {load.name}`"


def _taken(drop: FileDrop) -> str:
    return "within a second or two" if drop.marker else "once it is whole (the connection's `drop` in the estate)"


def _marker(drop: FileDrop) -> str:
    return f", once `NAME{drop.marker}` lies beside it" if drop.marker else ""


def _carries(send: Send) -> tuple[str, str, str]:
    if send.probe is None:
        after = "a person is asked"
    else:
        after = f"looks after {_span(send.settle)}" if send.settle else "looks at once"
    if send.batch_max > 1:
        at_a_time = f"up to {send.batch_max}, each with its own outcome"
    else:
        at_a_time = "one" if send.serial else "one per call, several calls side by side"
    return code(send.kind), after, at_a_time


def _limits(connector: Connector) -> str:
    limits = connector.limits
    text = f"{limits.requests_per_s:g} requests/s (bursts of {limits.burst}), {limits.concurrency} at a time"
    if limits.points_max is not None and limits.points_per_s is not None:
        text += f"; {limits.points_max:g} cost points, {limits.points_per_s:g} restored per second"
    return f"{text}. `requests_per_s` and `concurrency` of the connection lower them."


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def coverage_region() -> str:
    """Connector by connector: which way, which business object, by what route."""
    rows = [
        (
            connector.title,
            _listed(_feeds(connector)),
            _listed(code(send.kind) for send in connector.sends),
            _listed(load.name for load in connector.loads),
            "yes" if connector.check is not None else "no",
        )
        for connector in connectors().values()
    ]
    return table(("connector", "reads", "carries", "first loads", "`connection check`"), rows)


def _feeds(connector: Connector) -> Iterable[str]:
    if connector.webhooks is not None:
        yield "webhooks " + ", ".join(code(topic.topic) for topic in connector.webhooks.topics)
    if connector.pulls:
        yield "polls " + ", ".join(code(pull.name) for pull in connector.pulls)
    if connector.drops:
        yield "files " + ", ".join(code(drop.pattern) for drop in connector.drops)
    if connector.uploads:
        yield "uploads " + ", ".join(code(upload.pattern) for upload in connector.uploads)


def _listed(parts: Iterable[str]) -> str:
    return "; ".join(parts) or "nothing"
