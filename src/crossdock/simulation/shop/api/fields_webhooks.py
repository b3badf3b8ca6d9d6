"""GraphQL fields and mutations of webhook subscriptions."""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from crossdock.simulation.shop.api.fields_catalogue import by_id, utc
from crossdock.simulation.shop.api.fields_fulfilment import Payload, Problem
from crossdock.simulation.shop.api.paging import Page, page
from crossdock.simulation.shop.api.table import Arguments, Call, Table, gid_number, table
from crossdock.simulation.shop.model import Subscription
from crossdock.simulation.shop.rest_parts import gid

API_VERSION: Final = "2026-10"


def subscription_page(call: Call) -> Page:
    """Subscriptions, by topic and address if asked."""
    topics, uri = call.arguments.texts("topics"), call.arguments.text_or_none("uri")
    chosen = [
        each
        for each in call.books.subscriptions.values()
        if (not topics or each.topic in topics) and (uri is None or each.uri == uri)
    ]
    return page(chosen, call.arguments, rank=lambda each: by_id(each.id))


def subscription_of(call: Call, text: str) -> Subscription | None:
    """The subscription of a global id."""
    return call.books.subscriptions.get(gid_number("WebhookSubscription", text) or 0)


def subscription_create(call: Call) -> Payload:
    """Subscribe an address to a topic, once."""
    topic, asked = call.arguments.text("topic"), call.arguments.record("webhookSubscription")
    problem = _address_problem(call, asked, topic)
    if problem is not None:
        return Payload((problem,))
    now = call.books.second()
    subscription = Subscription(
        id=next(call.books.ids),
        topic=topic,
        uri=asked.text("uri"),
        include_fields=asked.texts("includeFields"),
        name=asked.text_or_none("name"),
        created_at=now,
        updated_at=now,
    )
    call.books.subscriptions[subscription.id] = subscription
    return Payload(result=subscription)


def subscription_update(call: Call) -> Payload:
    """Change address, fields or name."""
    asked = call.arguments.record("webhookSubscription")
    subscription = subscription_of(call, call.arguments.text("id"))
    if subscription is None:
        return Payload((Problem("Webhook subscription does not exist", ("id",)),))
    if asked.has("uri"):
        problem = _address_problem(call, asked, subscription.topic)
        if problem is not None and asked.text_or_none("uri") != subscription.uri:
            return Payload((problem,))
        subscription.uri = asked.text("uri")
    if asked.has("includeFields"):
        subscription.include_fields = asked.texts("includeFields")
    if asked.has("name"):
        subscription.name = asked.text_or_none("name")
    subscription.updated_at = call.books.second()
    return Payload(result=subscription)


def subscription_delete(call: Call) -> Payload:
    """Unsubscribe."""
    text = call.arguments.text("id")
    subscription = subscription_of(call, text)
    if subscription is None:
        return Payload((Problem("Webhook subscription does not exist", ("id",)),))
    del call.books.subscriptions[subscription.id]
    return Payload(result=text)


def _address_problem(call: Call, asked: Arguments, topic: str) -> Problem | None:
    field = ("webhookSubscription", "uri")
    uri = asked.text_or_none("uri")
    if not uri:
        return Problem("Address can't be blank", field)
    parts = urlsplit(uri)
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        return Problem("Address protocol http:// is not supported", field)
    if parts.scheme not in ("http", "https"):
        return Problem(f"the rehearsal shop tells https addresses, and http ones of this machine, not {uri}", field)
    if any(each.topic == topic and each.uri == uri for each in call.books.subscriptions.values()):
        return Problem("Address for this topic has already been taken", field)
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


TABLES: Final[dict[str, Table]] = {
    "WebhookSubscription": table(
        Subscription,
        {
            "id": lambda it, _: gid("WebhookSubscription", it.id),
            "legacyResourceId": lambda it, _: str(it.id),
            "topic": lambda it, _: it.topic,
            "uri": lambda it, _: it.uri,
            "format": lambda _it, _: "JSON",
            "includeFields": lambda it, _: it.include_fields,
            "name": lambda it, _: it.name,
            "apiVersion": lambda _it, _: API_VERSION,
            "createdAt": lambda it, _: utc(it.created_at),
            "updatedAt": lambda it, _: utc(it.updated_at),
        },
    ),
    "ApiVersion": table(
        str,
        {"displayName": lambda it, _: it, "handle": lambda it, _: it, "supported": lambda _it, _: True},
    ),
    "WebhookSubscriptionCreatePayload": table(
        Payload, {"webhookSubscription": lambda it, _: it.result, "userErrors": lambda it, _: it.problems}
    ),
    "WebhookSubscriptionUpdatePayload": table(
        Payload, {"webhookSubscription": lambda it, _: it.result, "userErrors": lambda it, _: it.problems}
    ),
    "WebhookSubscriptionDeletePayload": table(
        Payload, {"deletedWebhookSubscriptionId": lambda it, _: it.result, "userErrors": lambda it, _: it.problems}
    ),
}
