"""`crossdock key …`: API keys."""

from datetime import timedelta
from typing import Annotated

from cyclopts import App, Parameter

from crossdock.cli.context import hub
from crossdock.cli.output import AsJson, CommandError, console, print_json, show
from crossdock.gateway import keys
from crossdock.gateway.keys import Scope

app = App(name="key", help="API keys: create, list, revoke.")


@app.command
async def create(
    name: str,
    *,
    scope: Annotated[list[Scope], Parameter(negative="", help="What it may do; repeat for several.")],
    channel: str | None = None,
    days: int | None = None,
    json: AsJson = False,
) -> int:
    """Make a key. It is shown once: the hub keeps only its hash.

    Args:
        name: Who will use it.
        scope: What it may do; repeat for several.
        channel: Limit order intake to this channel.
        days: Let it expire after so many days.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        now = parts.clock.now()
        expires_at = None if days is None else now + timedelta(days=days)
        key = await keys.create(tx, name, scope, now=now, channel=channel, expires_at=expires_at)
    if json:
        print_json({"name": name, "key": key, "scopes": [str(one) for one in scope]})
    else:
        console.print(key, markup=False, soft_wrap=True)
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
    console.print(f'The key "{name}" is revoked.', markup=False)
    return 0
