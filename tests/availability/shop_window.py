"""A retailer to ask: two warehouses' worth of places, two channels that share one of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from crossdock.availability import service
from crossdock.availability.model import Availability, HoldLine, HoldOutcome, HoldRequest
from crossdock.availability.switches.model import Stop, Switch
from crossdock.canonical.base import ChannelCode, LocationCode, ReservationKey, Sku
from crossdock.canonical.orders import Mode
from crossdock.canonical.stock import Component, ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.estate import service as estates
from crossdock.estate.model import (
    Channel,
    ChannelBuffer,
    Company,
    Estate,
    Location,
    LocationKind,
    Pool,
    PublishLimit,
    SafetyStock,
    StopSell,
)
from crossdock.foundation.db import Database
from crossdock.inventory.reservations.model import Fill
from inventory.shop_floor import DC, NOW, ORIGIN, SHOP, STORE, A

WEB, MARKET = ChannelCode("web"), ChannelCode("market")


def estate(
    *,
    safety: Sequence[SafetyStock] = (),
    buffers: Sequence[ChannelBuffer] = (),
    split: bool = True,
    publish_max: Decimal | None = None,
    closed: Sequence[str] = (),
    pools: tuple[Sequence[LocationCode], Sequence[LocationCode]] = ((DC, STORE), (DC, SHOP)),
    stops: Sequence[StopSell] = (),
    limits: Sequence[PublishLimit] = (),
) -> Estate:
    return Estate(
        company=Company(name="Corner shops", currency="EUR"),
        locations=(
            Location(code=DC, name="Distribution centre", kind=LocationKind.WAREHOUSE, active=DC not in closed),
            *(
                Location(
                    code=code,
                    name=code,
                    kind=LocationKind.STORE,
                    modes=(Mode.SHIP, Mode.PICKUP),
                    active=code not in closed,
                )
                for code in (STORE, SHOP)
            ),
        ),
        channels=(
            Channel(
                code=WEB, name="Web shop", currency="EUR", pool=tuple(pools[0]), split=split, publish_max=publish_max
            ),
            Channel(code=MARKET, name="Market place", currency="EUR", pool=tuple(pools[1]), split=split),
        ),
        safety_stock=tuple(safety),
        channel_buffers=tuple(buffers),
        stop_sell=tuple(stops),
        publish_limits=tuple(limits),
    )


ESTATE = estate()


def held(
    key: str,
    quantity: int | str,
    sku: Sku = A,
    *,
    channel: ChannelCode = WEB,
    mode: Mode = Mode.SHIP,
    location: LocationCode | None = None,
    fill: Fill = Fill.ALL,
    expires_at: datetime | None = None,
) -> HoldRequest:
    return HoldRequest(
        key=ReservationKey(key),
        channel=channel,
        lines=[HoldLine(sku, Decimal(quantity))],
        mode=mode,
        location=location,
        fill=fill,
        expires_at=expires_at,
    )


async def hold(
    database: Database, *requests: HoldRequest, where: Estate = ESTATE, now: datetime = NOW
) -> Sequence[HoldOutcome]:
    async with database.transaction() as tx:
        return await service.hold(tx, where, requests, origin=ORIGIN, now=now)


async def ask(
    database: Database,
    sku: Sku = A,
    channel: ChannelCode = WEB,
    *,
    where: Estate = ESTATE,
    now: datetime = NOW,
    mode: Mode = Mode.SHIP,
    without_hold: str | None = None,
) -> Availability:
    async with database.transaction() as tx:
        (answer,) = await service.query(
            tx,
            where,
            [(sku, channel)],
            now=now,
            mode=mode,
            without_hold=None if without_hold is None else ReservationKey(without_hold),
        )
    return answer


async def refresh(database: Database, *, where: Estate = ESTATE, now: datetime = NOW, limit: int = 5000) -> int:
    async with database.transaction() as tx:
        return await service.refresh(tx, where, now=now, limit=limit)


ONE_POOL = msgspec.structs.replace(
    estate(),
    pools=(Pool(code="online", members=(DC, STORE)),),
    channels=(
        Channel(code=WEB, name="Web shop", currency="EUR", pool="online"),
        Channel(code=MARKET, name="Market place", currency="EUR", pool="online"),
    ),
)
"""Both channels on one pool."""


async def describe(database: Database, *items: ItemDescribed, now: datetime = NOW) -> None:
    async with database.transaction() as tx:
        await catalog.describe(tx, items, origin=ORIGIN, now=now)


def kit(sku: str, **parts: int | str) -> ItemDescribed:
    components = tuple(Component(sku=part, quantity=Decimal(units)) for part, units in parts.items())
    return ItemDescribed(sku=sku, name=sku, components=components)


async def stop(database: Database, where: Stop, *, until: datetime | None = None, now: datetime = NOW) -> Switch:
    async with database.transaction() as tx:
        return await service.stop(tx, where, owner="ops", reason="recall", until=until, origin=ORIGIN, now=now)


async def apply(database: Database, where: Estate, *, now: datetime = NOW) -> int:
    async with database.transaction() as tx:
        return (await estates.apply(tx, where, note="", now=now)).number


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)
