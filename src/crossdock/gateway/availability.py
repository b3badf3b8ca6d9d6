"""GET /v1/availability, POST /v1/availability/query: what may be sold of one item, of some, of thousands."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Final
from urllib.parse import parse_qs

import msgspec

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import ChannelCode, Code, Sku, check_moment
from crossdock.canonical.orders import Mode
from crossdock.foundation.misfit import misfits, of_decoder
from crossdock.gateway.asgi import Answer, Request, decode
from crossdock.gateway.front import HotRoute
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import wrong
from crossdock.gateway.problems import FieldProblem, Problem
from crossdock.gateway.reservations import reservation_key
from crossdock.gateway.retailer import Retailer, RetailerView
from crossdock.gateway.sellable import Particular, Sellable, SellableItem, whole_seconds

BODY_MAX: Final = 512 * 1024
SKUS_MAX: Final = 5000
URL_SKUS_MAX: Final = 100
CHANNELS_MAX: Final = 50
NUMBERS_MAX: Final = 20_000
"""SKUs times channels of one query."""
ASKED_MAX: Final = 4096
"""Questions of look-ups that are understood without reading them again."""


class AvailabilityQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may each of these SKUs be sold for now, on a channel or on several? Up to 20000 numbers."""

    channel: Code | None = None
    """One channel…"""
    channels: Annotated[list[Code], msgspec.Meta(max_length=CHANNELS_MAX)] = []
    """…or several."""
    skus: Annotated[list[Code], msgspec.Meta(min_length=1, max_length=SKUS_MAX)]
    mode: Mode = Mode.SHIP
    without_hold: Code | None = None
    """A reservation of the caller's that shall not count: the cart that is asking."""
    locations: bool = False
    """Also what each location of the channel's pool can promise."""
    by: datetime | None = None
    """For goods that are needed then, as far ahead as the channel may sell."""

    def __post_init__(self) -> None:
        if (self.channel is None) == (not self.channels):
            raise ValueError("a query needs `channel` or `channels`, one of both")
        check_moment(self.by, "by")

    @property
    def asked(self) -> Sequence[str]:
        """Every channel that is asked for."""
        return self.channels if self.channel is None else [self.channel]


class AvailabilityAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """In the order of the question, channel by channel, all as of one moment."""

    channel: str = ""
    """Left out when the question names several: each item says its own."""
    mode: str
    as_of: datetime
    age_ms: int
    """Everything that was committed longer ago than this is in the numbers; what this gateway answered is always."""
    items: list[SellableItem]


class _Written(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The same with items that are written already."""

    channel: str = ""
    mode: str
    as_of: datetime
    age_ms: int
    items: Sequence[msgspec.Raw]


_QUERY: Final = msgspec.json.Decoder(AvailabilityQuery)
_ENCODE: Final = msgspec.json.Encoder().encode


_FIELD: Final = re.compile(r"(?<=\$\.)\w+|(?<=`)\w+")
"""The parameter that a message of the decoder is about."""
_SKUS: Final[Mapping[str, object]] = {
    "name": "sku",
    "in": "query",
    "required": True,
    "schema": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": URL_SKUS_MAX},
}
_CHANNEL: Final[Mapping[str, object]] = {
    "name": "channel",
    "in": "query",
    "required": True,
    "schema": {"type": "string"},
}
_MODE: Final[Mapping[str, object]] = {
    "name": "mode",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": [mode.value for mode in Mode], "default": Mode.SHIP.value},
}


class AvailabilityDesk:
    """Answers for one SKU and for many."""

    def __init__(self, hub: Hub, retailer: RetailerView, sellable: Sellable) -> None:
        self._hub = hub
        self._retailer = retailer
        self._sellable = sellable

    def routes(self) -> tuple[HotRoute, ...]:
        """What it serves."""
        return (
            HotRoute(
                method="GET",
                path="/v1/availability",
                summary=f"What may be sold of up to {URL_SKUS_MAX} SKUs on a channel",
                scope=Scope.STOCK_READ,
                of_channels=True,
                body_max=0,
                request=None,
                answers={200: AvailabilityAnswer},
                handle=self.look_up,
                idempotent=False,
                parameters=(_SKUS, _CHANNEL, _MODE),
            ),
            HotRoute(
                method="POST",
                path="/v1/availability/query",
                summary="What may be sold of up to 5000 SKUs on one or more channels",
                scope=Scope.STOCK_READ,
                of_channels=True,
                body_max=BODY_MAX,
                request=AvailabilityQuery,
                answers={200: AvailabilityAnswer},
                handle=self.query,
                idempotent=False,
            ),
        )

    async def look_up(self, request: Request) -> Answer:
        """The same as the query for a few items (`sku` may be repeated): mostly from memory, its age stated."""
        return await self._answer(request, asked_of(request.query))

    async def query(self, request: Request) -> Answer:
        """A read: it promises nothing. A reservation does."""
        return await self._answer(request, decode(request.body, _QUERY))

    async def _answer(self, request: Request, asked: AvailabilityQuery) -> Answer:
        if len(asked.skus) * len(asked.asked) > NUMBERS_MAX:
            reason = f"{len(asked.skus)} SKUs on {len(asked.asked)} channels are more than {NUMBERS_MAX} numbers"
            raise Problem("too-large", errors=(FieldProblem(path="$.skus", reason=reason),))
        retailer = await self._retailer.get()
        for channel in asked.asked:
            request.caller.check_channel(channel)
            retailer.channel(channel, _path(request, asked))
        now = self._hub.clock.now()
        items: list[msgspec.Raw] = []
        age_s = 0.0
        for channel in asked.asked:
            told, told_age_s = await self._told(request, asked, retailer, ChannelCode(channel))
            items += told if asked.channel else [_with_channel(item, channel) for item in told]
            age_s = max(age_s, told_age_s)
        written = _Written(
            channel=asked.channel or "", mode=asked.mode.value, as_of=now, age_ms=int(age_s * 1000) + 1, items=items
        )
        return Answer(status=200, body=_ENCODE(written), headers={"Age": str(whole_seconds(age_s))})

    async def _told(
        self, request: Request, asked: AvailabilityQuery, retailer: Retailer, channel: ChannelCode
    ) -> tuple[Sequence[msgspec.Raw], float]:
        way = (channel, asked.mode)
        skus = [Sku(sku) for sku in asked.skus]
        if asked.without_hold is None and not asked.locations and asked.by is None:
            return await self._sellable.items(retailer.estate, way, skus)
        hold = None if asked.without_hold is None else reservation_key(request.caller, asked.without_hold)
        particular = Particular(without_hold=hold, by=asked.by, locations=asked.locations)
        return await self._sellable.items_anew(particular, retailer.estate, way, skus)


def _path(request: Request, asked: AvailabilityQuery) -> str:
    if not request.body:
        return "?channel"
    return "$.channels" if asked.channel is None else "$.channel"


def _with_channel(item: msgspec.Raw, channel: str) -> msgspec.Raw:
    """An item is an object with at least a SKU; its channel comes first."""
    return msgspec.Raw(b'{"channel":' + _ENCODE(channel) + b"," + bytes(item)[1:])


@lru_cache(maxsize=ASKED_MAX)
def asked_of(query: bytes) -> AvailabilityQuery:
    """The question behind a URL's question mark. Shops ask the same ones again and again."""
    try:
        told = parse_qs(query.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=SKUS_MAX)
    except ValueError as error:
        raise Problem("invalid", f"the query cannot be read: {error}") from None
    skus = told.pop("sku", [])
    fields = {name: values[0] if len(values) == 1 else values for name, values in told.items()}
    try:
        asked = msgspec.convert({**fields, "skus": skus}, AvailabilityQuery)
    except msgspec.ValidationError as error:
        asked_for = msgspec.json.encode({**fields, "skus": skus})
        found = (misfits(asked_for, AvailabilityQuery) or [of_decoder(str(error))])[0]
        named = _FIELD.search(f"{found.path} {found.reason}")
        raise wrong("sku" if named is None or named[0] == "skus" else named[0], found.reason) from None
    if len(skus) > URL_SKUS_MAX:
        raise wrong("sku", f"at most {URL_SKUS_MAX} at a time: POST /v1/availability/query takes {SKUS_MAX}")
    if any("\x00" in sku for sku in skus):
        raise wrong("sku", "must not hold the character U+0000")
    return asked
