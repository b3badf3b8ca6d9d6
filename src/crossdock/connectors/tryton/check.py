"""Looks at a live Tryton: is everything there that sending needs?"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from crossdock.connector_kit.model import Finding
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.wire import Json, day

_MODULES: Final = (
    "account",
    "account_invoice",
    "account_invoice_stock",
    "account_product",
    "sale",
    "stock",
    "web_shop",
)


async def check(session: Session) -> AsyncIterator[Finding]:
    """Log-in first; without it nothing else can be looked at."""
    tryton = Tryton(session)
    try:
        await tryton.user()
        yield Finding(subject="log-in", ok=True, text="user and password are accepted")
        for model, domain, subject, todo in _needed(session):
            found = await tryton.first(model, domain, ["id"])
            yield Finding(
                subject=subject,
                ok=found is not None,
                text="is there" if found else "is missing",
                todo="" if found else todo,
            )
    except CallFailed as failure:
        yield Finding(subject="Tryton", ok=False, text=failure.reason, todo="Correct the setting or the user's rights.")


def _needed(session: Session) -> Sequence[tuple[str, Sequence[Json], str, str]]:
    settings = session.settings
    today = day(session.clock.now().date())
    open_period: Sequence[Json] = [["start_date", "<=", today], ["end_date", ">=", today], ["state", "=", "open"]]
    create = "Create it in Tryton, or correct the setting."
    correct = "Create it in Tryton, or correct the lookup."
    return [
        *(
            ("ir.module", [["name", "=", module], ["state", "=", "activated"]], f"module {module}", "Activate it.")
            for module in _MODULES
        ),
        ("account.period", open_period, "open period for today", "Open a fiscal year and its periods."),
        ("account.journal", [["code", "=", settings["journal"]]], f"journal {settings['journal']}", create),
        *(
            ("party.party", [["code", "=", settings[name]]], f"party {settings[name]}", create)
            for name in ("web_customer", "walk_in")
        ),
        (
            "product.product", [["code", "=", settings["rounding_item"]], ["type", "=", "service"]],
            f"service item {settings['rounding_item']}", create,
        ),
        *_mapped(session, "tax", "account.tax", "name", correct),
        *_mapped(session, "account", "account.account", "code", correct),
        *_mapped(session, "charge", "product.product", "code", correct),
        *_mapped(session, "web_shop", "web.shop", "name", correct),
    ]  # fmt: skip


def _mapped(
    session: Session, table: str, model: str, field: str, todo: str
) -> Sequence[tuple[str, Sequence[Json], str, str]]:
    theirs = sorted(set(session.lookups.get(table, {}).values()))
    return [(model, [[field, "=", code]], f"{table} {code}", todo) for code in theirs]
