"""`crossdock key …`: API keys."""

from datetime import timedelta
from typing import Annotated, Final

from cyclopts import App, Parameter

from crossdock.assembly.hub import Hub
from crossdock.cli.context import hub
from crossdock.cli.output import AsJson, CommandError, one_of, print_json, say, show
from crossdock.foundation.db import Tx
from crossdock.gateway import keys
from crossdock.gateway.keys import Scope

DAYS_MAX: Final = 3650

app = App(name="key", help="API keys: create, list, revoke.")


@app.command
async def create(
    name: str,
    *,
    scope: Annotated[list[str], Parameter(negative="")],
    channel: str | None = None,
    days: int | None = None,
    json: AsJson = False,
) -> int:
    """Make a key. It is shown once: the hub keeps only its hash.

    Args:
        name: Who will use it.
        scope: What it may do, e.g. orders:write; repeat for several.
        channel: Let it see and do only what concerns this channel: its orders, availability and reservations.
        days: Let it expire after so many days, at least one.
        json: Print JSON for machines.
    """
    scopes = [one_of(Scope, each, "scope") for each in scope]
    if days is not None and not 0 < days <= DAYS_MAX:
        raise CommandError(
            f"--days {days} makes no usable key: give 1 to {DAYS_MAX}, or none for a key without an end."
        )
    useless = sorted(set(scopes) - keys.CHANNEL_SCOPES) if channel is not None else ()
    if useless:
        left = ", ".join(sorted(keys.CHANNEL_SCOPES))
        raise CommandError(f"{useless[0]} concerns all channels: a key for one of them may have {left}.")
    async with hub() as parts, parts.database.transaction() as tx:
        if channel is not None:
            await _check_channel(parts, tx, channel)
        now = parts.clock.now()
        expires_at = None if days is None else now + timedelta(days=days)
        try:
            key = await keys.create(tx, name, scopes, now=now, channel=channel, expires_at=expires_at)
        except keys.NameTakenError:
            raise CommandError(
                f'A valid key is called "{name}" already: choose another name, or `crossdock key revoke {name}` first.'
            ) from None
    if json:
        print_json({"name": name, "key": key, "scopes": scopes})
    else:
        say(key)
    return 0


async def _check_channel(parts: Hub, tx: Tx, channel: str) -> None:
    known = [each.code for each in (await parts.estate.get(tx)).channels]
    if channel not in known:
        raise CommandError(f'The estate has no channel "{channel}" (there are: {", ".join(known)}).')


@app.command(name="list")
async def list_keys(*, json: AsJson = False) -> int:
    """List keys that were not revoked (never the keys themselves)."""
    async with hub() as parts, parts.database.transaction() as tx:
        found = await keys.valid(tx)
        now = parts.clock.now()
    rows: list[dict[str, object]] = [
        {
            "name": row.name,
            "scopes": " ".join(row.scopes),
            "channel": row.channel,
            "created": row.created_at,
            "expires": row.expires_at,
            "state": "valid" if row.expires_at is None or now < row.expires_at else "expired",
        }
        for row in found
    ]
    columns = ("name", "scopes", "channel", "created", "expires", "state")
    show(columns, rows, as_json=json, empty="There are no keys.")
    return 0


@app.command
async def revoke(name: str, *, json: AsJson = False) -> int:
    """Stop a key from working, within a second on every gateway.

    Args:
        name: Who used it.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        revoked = await keys.revoke(tx, name, now=parts.clock.now())
    if not revoked:
        raise CommandError(f'There is no valid key "{name}": see `crossdock key list`.')
    if json:
        print_json({"name": name, "revoked": True})
    else:
        say(f'The key "{name}" is revoked.')
    return 0
