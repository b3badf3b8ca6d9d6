"""Webhooks: whose they are, what they are about, and how the shop comes to send them."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac_new
from typing import Final

from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.shopify.api import drift_means, one_reason, read, write

TOPICS: Final = ("orders/create", "orders/updated", "orders/cancelled")
SECRETS: Final = ("client_secret", "client_secret_previous")
NAME_MAX: Final = 50
SUBSCRIPTIONS_POINTS: Final = 250.0
CHANGE_POINTS: Final = 10.0

SUBSCRIPTIONS: Final = """
query ($topics: [WebhookSubscriptionTopic!]) {
  webhookSubscriptions(first: 250, topics: $topics) { nodes { id topic uri name } }
}
"""
CREATE: Final = """
mutation ($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id } userErrors { field message }
  }
}
"""
UPDATE: Final = """
mutation ($id: ID!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $subscription) {
    webhookSubscription { id } userErrors { field message }
  }
}
"""


def verify(body: bytes, headers: Mapping[str, str], settings: Mapping[str, str]) -> bool:
    """Signed with the app's secret, or with the one before it while the secret is being changed."""
    given = headers.get("x-shopify-hmac-sha256", "").encode()
    results = [
        compare_digest(b64encode(hmac_new(settings[name].encode(), body, sha256).digest()), given)
        for name in SECRETS
        if settings[name]
    ]
    return any(results)


def topic_of(headers: Mapping[str, str]) -> str:
    """`orders/create` and the like; empty when the vendor did not say."""
    return headers.get("x-shopify-topic", "")


async def register(session: Session, url: str) -> None:
    """Subscribe *url* to every topic. What this connection subscribed before is pointed there, the rest is left alone."""
    name = f"crossdock-{session.connection}"[:NAME_MAX]
    with drift_means(Verdict.REFUSED):
        held = await subscriptions(session)
        for topic in TOPICS:
            wanted = topic.replace("/", "_").upper()
            same_topic = [each for each in held if each.text("topic") == wanted]
            if any(each.text("uri") == url for each in same_topic):
                continue
            ours = next((each for each in same_topic if each.text_or_none("name") == name), None)
            await _point(session, wanted, ours, {"uri": url, "format": "JSON", "name": name})


async def subscriptions(session: Session) -> tuple[Record, ...]:
    """What the shop has subscribed for our topics."""
    topics = [topic.replace("/", "_").upper() for topic in TOPICS]
    answer = await read(session, SUBSCRIPTIONS, {"topics": topics}, points=SUBSCRIPTIONS_POINTS)
    return tuple(answer.data.one("webhookSubscriptions").each("nodes"))


async def _point(session: Session, topic: str, held: Record | None, subscription: Mapping[str, str]) -> None:
    """Both mutations are repeatable: a second creation is denied as taken, and the next look finds the first."""
    if held is None:
        answer = await write(session, CREATE, {"topic": topic, "subscription": subscription}, points=CHANGE_POINTS)
        payload = answer.data.one("webhookSubscriptionCreate")
    else:
        variables = {"id": held.text("id"), "subscription": subscription}
        answer = await write(session, UPDATE, variables, points=CHANGE_POINTS)
        payload = answer.data.one("webhookSubscriptionUpdate")
    reason = one_reason(payload)
    if reason:
        raise CallFailed(Verdict.BROKEN, f"the shop will not send {topic} to {subscription['uri']}: {reason}")
