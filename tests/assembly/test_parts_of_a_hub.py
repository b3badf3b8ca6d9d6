"""How a hub is put together: connectors found, estates read anew, desks without secrets, documents built when sent."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from assembly.parts import ESTATE, NOW, PLAIN, SHOP, TEA, World, make_hub, order, without_secret
from crossdock.assembly.desks import desk
from crossdock.assembly.hub import CurrentEstate, open_hub
from crossdock.assembly.registry import ConnectorError, connectors
from crossdock.assembly.sending import builders, sources
from crossdock.assembly.sessions import UnknownConnectionError, account_of, config_of, open_connection
from crossdock.availability import service as availability
from crossdock.canonical.intents import PostSale, PublishStock
from crossdock.canonical.orders import Person
from crossdock.connections.settings import SettingUnusableError
from crossdock.estate import service as estates
from crossdock.estate.model import ConnectionConfig, Flow, FlowKind
from crossdock.estate.service import NoEstateError
from crossdock.foundation.db import Database
from crossdock.foundation.ids import new_id
from crossdock.foundation.settings import Settings
from crossdock.inbound.model import Route
from crossdock.outbound import service as outbound
from crossdock.outbound.ports import Unbuildable

# ---------------------------------------------------------------- connectors

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put somebody's connector package beside the built-in ones, as pip would."""

    def put(name: str, module: str) -> None:
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[crossdock.connectors]\n{name} = {name}:CONNECTOR\n")
        (tmp_path / f"{name}.py").write_text(module)

    monkeypatch.syspath_prepend(str(tmp_path))
    connectors.cache_clear()
    yield put
    connectors.cache_clear()


def test_built_in_connectors_are_found_like_anybodys(install: Install) -> None:
    install("corner_shop", "from assembly.parts import PLAIN as CONNECTOR")

    assert list(connectors()) == ["plain", "pos", "shopify", "tryton"]


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("raise RuntimeError('no licence')", "cannot be loaded: no licence"),
        ("CONNECTOR = 'something else'", "is not a connector_kit Connector"),
    ],
)
def test_a_connector_that_does_not_load_stops_the_start_by_its_name(install: Install, module: str, told: str) -> None:
    name = f"broken_{len(module)}"
    install(name, module)

    with pytest.raises(ConnectorError) as refused:
        connectors()
    assert f'"{name}"' in str(refused.value)
    assert told in str(refused.value)


# ---------------------------------------------------------------- the estate in force


async def test_a_hub_without_an_estate_says_so(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(NoEstateError, match="crossdock estate apply"):
            await CurrentEstate().get(tx)


async def test_the_estate_is_read_again_when_a_newer_one_is_applied_and_only_then(world: World) -> None:
    async def read() -> object:
        async with world.database.transaction() as tx:
            return await world.hub.estate.get(tx)

    first = await read()
    assert await read() is first
    await world.apply_estate(without_secret(ESTATE))
    assert await read() == without_secret(ESTATE)
    async with world.database.transaction() as tx:
        await estates.roll_back(tx, 1, now=NOW)
    assert await read() == ESTATE


async def test_a_hub_opens_on_a_database_that_is_ready(dsn: str, tmp_path: Path) -> None:
    async with open_hub(Settings(home=tmp_path), dsn, {"plain": PLAIN}) as hub:
        async with hub.database.transaction() as tx:
            assert await estates.current_number(tx) == 0
        assert (tmp_path / "master.key").exists()


# ---------------------------------------------------------------- desks and sessions


async def test_a_desk_gives_decoders_their_settings(world: World) -> None:
    made = desk(world.hub, ESTATE)

    assert made.settings[SHOP] == {"address": "http://127.0.0.1:1", "token": "open sesame"}
    assert made.decoder(SHOP, Route.WEBHOOK, "told") is not None


async def test_a_missing_secret_does_not_stop_decoding(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_TOKEN")
    await world.hear(order("1"))

    assert desk(world.hub, ESTATE).settings[SHOP] == {"address": "http://127.0.0.1:1", "token": ""}
    assert await world.states() == ["applied"]


def test_a_connection_of_a_connector_that_is_not_installed_has_no_desk(database: Database, tmp_path: Path) -> None:
    made = desk(make_hub(database, tmp_path, {}), ESTATE)

    assert made.connectors == {}
    assert made.decoder(SHOP, Route.WEBHOOK, "told") is None


async def test_a_connection_that_cannot_be_opened_is_named_with_what_there_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownConnectionError, match=r'no connection "web" .it has: shop'):
        config_of(ESTATE, "web")
    missing = ConnectionConfig(name="shop", connector="nowhere")
    with pytest.raises(UnknownConnectionError, match=r'no connector "nowhere" .installed: plain'):
        await _open(world, missing)
    monkeypatch.delenv("SHOP_TOKEN")
    with pytest.raises(SettingUnusableError, match="SHOP_TOKEN"):
        await _open(world, config_of(ESTATE, SHOP))


async def _open(world: World, config: ConnectionConfig) -> None:
    async with open_connection(world.hub, config):
        pass


async def test_an_open_connection_has_its_own_budget_and_secrets(world: World) -> None:
    config = msgspec.structs.replace(config_of(ESTATE, SHOP), concurrency=1, requests_per_s=0.5)

    assert (account_of(config).requests_per_s, account_of(config).concurrency) == (0.5, 1)
    async with open_connection(world.hub, config) as line:
        assert line.session.settings["token"] == "open sesame"
        assert "open sesame" not in repr(line.session)


# ---------------------------------------------------------------- what outbound asks for


SELLING = msgspec.structs.replace(
    ESTATE,
    connections=(
        *ESTATE.connections,
        ConnectionConfig(name="erp", connector="plain", settings={"token": "${SHOP_TOKEN}"}),
    ),
    flows=(Flow(kind=FlowKind.SALE, connection="erp"), Flow(kind=FlowKind.STOCK, connection=SHOP)),
    backorder_limits=(),
)


async def test_a_sale_is_built_when_it_is_sent_with_the_person_it_is_for(world: World) -> None:
    await world.apply_estate(SELLING)
    await world.know(TEA)
    await world.land(TEA, 1)
    person = Person(name="Zyxella Quibberton")
    (order_id,) = await world.accept(msgspec.structs.replace(order("1"), customer=person))
    await world.react()
    build = builders(world.hub)[FlowKind.SALE]
    async with world.database.transaction() as tx:
        await outbound.derive(tx, SELLING, list(builders(world.hub)), now=NOW)
    async with world.database.transaction() as tx:
        (intent,) = await outbound.list_intents(tx)
        sale = await build(tx, intent)
        with pytest.raises(Unbuildable, match="is not known"):
            await build(tx, replace(intent, reference=str(new_id())))

    assert intent.document is None, "no name and no address lies in the outbox"
    assert isinstance(sale, PostSale)
    assert (sale.reference, sale.customer, sale.total) == (str(order_id), person, Decimal(10))


async def test_a_channel_is_told_its_newest_figure_until_it_has_confirmed_it(world: World) -> None:
    await world.apply_estate(SELLING)
    await world.know(TEA)
    source = sources(world.hub, config_of(SELLING, SHOP))[FlowKind.STOCK]

    async def waiting() -> list[PublishStock]:
        async with world.database.transaction() as tx:
            await availability.refresh(tx, SELLING, now=NOW)
            items = await source.pending(tx, 10)
        return [item.document for item in items if isinstance(item.document, PublishStock)]

    await world.land(TEA, 5)
    (first,) = await waiting()
    await world.land(TEA, 2)
    (second,) = await waiting()
    assert [(int(each.quantity), each.version, each.last_confirmed) for each in (first, second)] == [
        (5, 1, None),
        (7, 2, None),
    ]

    async with world.database.transaction() as tx:
        (item,) = await source.pending(tx, 10)
        await source.stale(tx, item, "4")
    assert [each.last_confirmed for each in await waiting()] == [4]
    async with world.database.transaction() as tx:
        await source.confirmed(tx, await source.pending(tx, 10))
    assert await waiting() == []


def test_a_connection_without_a_channel_is_told_no_figures(world: World) -> None:
    assert sources(world.hub, config_of(SELLING, "erp")) == {}
