"""`crossdock key …`: API keys."""

from datetime import timedelta
from typing import Annotated

from cyclopts import App, Parameter

from crossdock.cli.context import hub
from crossdock.cli.output import AsJson, CommandError, one_of, print_json, say, show
from crossdock.gateway import keys
from crossdock.gateway.keys import Scope

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
        channel: Limit order intake to this channel.
        days: Let it expire after so many days.
        json: Print JSON for machines.
    """
    scopes = [one_of(Scope, each, "scope") for each in scope]
    async with hub() as parts, parts.database.transaction() as tx:
        now = parts.clock.now()
        expires_at = None if days is None else now + timedelta(days=days)
        key = await keys.create(tx, name, scopes, now=now, channel=channel, expires_at=expires_at)
    if json:
        print_json({"name": name, "key": key, "scopes": scopes})
    else:
        say(key)
    return 0


@app.command(name="list")
async def list_keys(*, json: AsJson = False) -> int:
    """List valid keys (never the keys themselves)."""
    async with hub() as parts, parts.database.transaction() as tx:
        found = await keys.valid(tx)
    rows: list[dict[str, object]] = [
        {
            "name": row.name,
            "scopes": " ".join(row.scopes),
            "channel": row.channel,
            "created": row.created_at,
            "expires": row.expires_at,
        }
        for row in found
    ]
    show(("name", "scopes", "channel", "created", "expires"), rows, as_json=json, empty="There are no keys.")
    return 0


@app.command
async def revoke(name: str) -> int:
    """Stop a key from working, within a second on every gateway."""
    async with hub() as parts, parts.database.transaction() as tx:
        revoked = await keys.revoke(tx, name, now=parts.clock.now())
    if not revoked:
        raise CommandError(f'There is no valid key "{name}": see `crossdock key list`.')
    say(f'The key "{name}" is revoked.')
    return 0
