"""The order that is sent, and the retailer that takes it."""

import json
from typing import Final

from crossdock.canonical.base import LocationCode
from crossdock.estate.model import Channel, Company, Estate, Location, LocationKind

BODY: Final = json.dumps(
    {
        "document": "order_placed",
        "channel": "web",
        "channel_order_id": "WEB-{n}",
        "number": "#{n}",
        "placed_at": "2026-11-21T12:00:00Z",
        "updated_at": "2026-11-21T12:00:01Z",
        "currency": "EUR",
        "prices_include_tax": True,
        "lines": [
            {
                "line_id": "1",
                "sku": "TEA-EARL-GREY-250",
                "quantity": "2",
                "unit_price": "7.90",
                "taxes": [{"code": "reduced", "amount": "1.03", "rate": "7"}],
                "name": "Earl Grey, loose, 250 g",
            },
            {
                "line_id": "2",
                "sku": "MUG-STONEWARE-350",
                "quantity": "1",
                "unit_price": "12.50",
                "discount": "2.00",
                "taxes": [{"code": "standard", "amount": "1.68", "rate": "19"}],
                "name": "Stoneware mug, 350 ml",
            },
        ],
        "charges": [{"code": "shipping", "amount": "4.90"}],
        "payments": [{"tender": "card", "amount": "31.20", "reference": "pay_{n}"}],
        "total": "31.20",
        "customer": {"channel_customer_id": "{n}", "name": "Zyxella Quibberton", "email": "customer-{n}@example.org"},
        "ship_to": {
            "name": "Zyxella Quibberton",
            "lines": ["Long Street 12"],
            "city": "Ulm",
            "postal_code": "89073",
            "country": "DE",
        },
    }
)
"""About 1 kB: two lines, a charge, a payment, a customer whom nobody has met. `{n}` is the request's number."""
IDEMPOTENCY_KEY: Final = "key-{n}"
DC: Final = LocationCode("dc")
ESTATE: Final = Estate(
    company=Company(name="Tea & Co", currency="EUR"),
    locations=(Location(code=DC, name="DC", kind=LocationKind.WAREHOUSE),),
    channels=(Channel(code="web", name="Web", currency="EUR", pool=(DC,)),),
)


def order(name: str) -> "dict[str, object]":
    """The same order under a name of its own."""
    made = json.loads(BODY.replace("{n}", name))
    assert isinstance(made, dict)
    return {**made, "channel_order_id": name}
