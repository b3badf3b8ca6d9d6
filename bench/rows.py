"""The rows of one order, written one statement at a time, as a plain application does it."""

from collections.abc import Iterator
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crossdock.assembly.hub import Hub
from crossdock.canonical.facts import OrderAccepted
from crossdock.canonical.intents import SaleLine
from crossdock.canonical.orders import OrderPlaced
from crossdock.customers.model import Contact
from crossdock.foundation.ids import new_id

API_KEY: Final[LiteralString] = """
SELECT id, scopes FROM gateway.api_key WHERE hash = %(hash)s AND revoked_at IS NULL
"""
KEPT_ANSWER: Final[LiteralString] = """
SELECT digest, status, answer FROM gateway.idempotency WHERE api_key = %(api_key)s AND key = %(key)s
"""
KEEP_ANSWER: Final[LiteralString] = """
INSERT INTO gateway.idempotency (api_key, key, digest, status, answer, created_at)
VALUES (%(api_key)s, %(key)s, %(digest)s, 202, %(answer)s, now()) ON CONFLICT DO NOTHING
"""
MESSAGE: Final[LiteralString] = """
INSERT INTO inbound.message (id, connection, route, feed, headers, body, received_at)
VALUES (%(message_id)s, 'api.bench', 'upload', '/v1/orders', '{}', %(body)s, %(now)s)
"""
HEADER: Final[LiteralString] = """
INSERT INTO orders.header
       (order_id, connection, channel, channel_order_id, number, placed_at, currency, prices_include_tax, total, mode,
        charges, payments, payment_status, contact_id, address_mark, content_mark, revised_at, payment_at,
        correlation_id, accepted_at)
VALUES (%(order_id)s, 'api.web', %(channel)s, %(channel_order_id)s, %(number)s, %(placed_at)s, %(currency)s,
        %(inclusive)s, %(total)s, 'ship', %(charges)s, %(payments)s, 'paid', %(contact_id)s, %(address_mark)s,
        %(content_mark)s, %(placed_at)s, %(placed_at)s, %(correlation_id)s, %(now)s)
    ON CONFLICT (connection, channel_order_id) DO NOTHING
"""
SUBJECT: Final[LiteralString] = """
INSERT INTO customers.subject (subject_id, connection, identity, wrapped_key)
VALUES (%(subject_id)s, 'api.web', %(identity)s, %(wrapped_key)s) ON CONFLICT DO NOTHING
"""
CONTACT: Final[LiteralString] = """
INSERT INTO customers.contact (contact_id, subject_id, sealed) VALUES (%(contact_id)s, %(subject_id)s, %(sealed)s)
"""
EVENT: Final[LiteralString] = """
INSERT INTO eventlog.event (id, stream, type, schema_version, happened_at, correlation_id, causation_id, source, payload)
VALUES (%(event_id)s, %(stream)s, 'order.accepted', 1, %(now)s, %(correlation_id)s, %(message_id)s, 'api:bench',
        %(payload)s)
"""
LINE: Final[LiteralString] = """
INSERT INTO orders.line (order_id, position, line_id, sku, name, unit_price, discount, taxes, ordered, unplaced)
VALUES (%(order_id)s, %(position)s, %(line_id)s, %(sku)s, %(name)s, %(unit_price)s, %(discount)s, %(taxes)s,
        %(quantity)s, %(quantity)s)
"""
UNPLACED: Final[LiteralString] = """
INSERT INTO inventory.unplaced (order_id, line_id, sku, channel, quantity)
VALUES (%(order_id)s, %(line_id)s, %(sku)s, %(channel)s, %(quantity)s)
"""
STATEMENTS: Final = (MESSAGE, HEADER, SUBJECT, CONTACT, EVENT)


def values_of(hub: Hub, order: OrderPlaced, body: bytes) -> dict[str, Any]:
    """Everything that the statements of one order bind, lines excepted; personal data sealed as the hub does it."""
    order_id, contact_id, subject_id = new_id(), new_id(), new_id()
    key, wrapped = hub.vault.new_key()
    contact = msgspec.json.encode(Contact(person=order.customer, ship_to=order.ship_to, note=order.note))
    email = "" if order.customer is None else order.customer.email
    return {
        "order_id": order_id,
        "message_id": new_id(),
        "event_id": new_id(),
        "contact_id": contact_id,
        "subject_id": subject_id,
        "correlation_id": new_id(),
        "now": hub.clock.now(),
        "body": body,
        "channel": order.channel,
        "channel_order_id": order.channel_order_id,
        "number": order.number,
        "placed_at": order.placed_at,
        "currency": order.currency,
        "inclusive": order.prices_include_tax,
        "total": order.total,
        "charges": Jsonb(msgspec.to_builtins(order.charges)),
        "payments": Jsonb(msgspec.to_builtins(order.payments)),
        "address_mark": hub.vault.mark(msgspec.json.encode(order.ship_to)),
        "content_mark": hub.vault.mark(msgspec.json.encode(order)),
        "identity": hub.vault.mark(email.encode()),
        "wrapped_key": wrapped,
        "sealed": key.seal(contact, bound_to=contact_id.bytes),
        "stream": f"order/{order_id}",
        "payload": msgspec.json.encode(_fact(order, order_id)).decode(),
    }


def lines_of(order: OrderPlaced, order_id: UUID) -> Iterator[dict[str, Any]]:
    """One set of values per line."""
    for position, line in enumerate(order.lines):
        yield {
            "order_id": order_id,
            "position": position,
            "line_id": line.line_id,
            "sku": line.sku,
            "channel": order.channel,
            "name": line.name,
            "unit_price": line.unit_price,
            "discount": line.discount,
            "taxes": Jsonb(msgspec.to_builtins(line.taxes)),
            "quantity": line.quantity,
        }


def _fact(order: OrderPlaced, order_id: UUID) -> OrderAccepted:
    return OrderAccepted(
        order_id=str(order_id),
        connection="api.web",
        channel=order.channel,
        channel_order_id=order.channel_order_id,
        number=order.number,
        placed_at=order.placed_at,
        currency=order.currency,
        prices_include_tax=order.prices_include_tax,
        lines=tuple(
            SaleLine(
                line_id=line.line_id,
                quantity=line.quantity,
                unit_price=line.unit_price,
                sku=line.sku,
                discount=line.discount,
                taxes=line.taxes,
                name=line.name,
            )
            for line in order.lines
        ),
        total=order.total,
        mode=order.mode,
        payment_status=order.payment_status,
        payments=order.payments,
    )
