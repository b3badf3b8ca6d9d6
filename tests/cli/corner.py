"""A third party's connector whose other side is a folder of JSON files: real code, installed like anybody's."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import timedelta
from hmac import compare_digest
from pathlib import Path

from crossdock.canonical.base import ChannelCode, ChannelOrderId, LocationCode
from crossdock.canonical.intents import IntentDocument, PostSale
from crossdock.canonical.orders import OrderLine, OrderPlaced
from crossdock.canonical.stock import ItemDescribed, StockCounted
from crossdock.connector_kit.model import (
    Connector,
    Damaged,
    Decoded,
    FileDrop,
    Finding,
    Landed,
    Limits,
    Load,
    Outcome,
    Page,
    Pull,
    Received,
    Refused,
    Role,
    Send,
    Setting,
    Theirs,
    Webhook,
    Webhooks,
)
from crossdock.connector_kit.record import Record, Undecodable
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict


def _folder(session: Session) -> Path:
    folder = Path(session.settings["folder"])
    if not folder.is_dir():
        raise CallFailed(Verdict.NOT_SENT, f"{folder} does not answer")
    return folder


async def check(session: Session) -> AsyncIterator[Finding]:
    folder = _folder(session)
    yield Finding(subject="address", ok=True, text=str(folder))
    right = session.settings["password"] == (folder / "password").read_text().strip()
    yield Finding(
        subject="password", ok=right, text="accepted" if right else "refused", todo="" if right else "Correct it."
    )


async def directory(session: Session, kind: str) -> AsyncIterator[Theirs]:
    file = _folder(session) / f"{kind}.json"
    for each in json.loads(file.read_text()) if file.exists() else []:
        yield Theirs(
            kind=kind,
            id=each["id"],
            code=each.get("code", ""),
            name=each.get("name", ""),
            barcodes=tuple(each.get("barcodes", ())),
        )


async def _page(session: Session, name: str, cursor: str) -> Page:
    """`items-0.json`, `items-1.json`, …: a missing page is an account that went away."""
    number = int(cursor or 0)
    file = _folder(session) / f"{name}-{number}.json"
    if not file.exists():
        raise CallFailed(Verdict.NOT_SENT, f"{file.name} is not there")
    body = json.loads(file.read_text())
    if name == "stock":
        codes = sorted({each["item"] for each in body["records"]})
        body["ours"] = dict(await session.identities.ours("sku", codes))
    more = (file.parent / f"{name}-{number + 1}.json").exists() or body.get("more", False)
    return Page(body=json.dumps(body).encode(), cursor=str(number + 1), more=more)


async def fetch_items(session: Session, cursor: str) -> Page:
    return await _page(session, "items", cursor)


async def fetch_stock(session: Session, cursor: str) -> Page:
    return await _page(session, "stock", cursor)


def decode_items(received: Received) -> Iterator[Decoded | Damaged]:
    for raw in Record.parse(received.body).each("records"):
        try:
            sku = raw.text("sku")
            item = ItemDescribed(sku=sku, name=raw.text("name"), barcodes=raw.texts("barcodes"))
        except Undecodable as error:
            yield Damaged(error=error)
        else:
            yield Decoded(document=item, key=f"item/{sku}", event_id=f"item/{sku}/{item.name}")


def decode_stock(received: Received) -> Iterator[Decoded]:
    page = Record.parse(received.body)
    for raw in page.each("records"):
        sku = page.one("ours").text(raw.text("item"))
        count = StockCounted(
            sku=sku,
            location=LocationCode("DC1"),
            on_hand=raw.number("units"),
            as_of=received.received_at,
            reference=f"load/{sku}/{raw.number('units')}",
        )
        yield Decoded(document=count, key=f"stock/{sku}", event_id=count.reference)


def decode_order(received: Received) -> Iterator[Decoded]:
    raw = Record.parse(received.body)
    number = raw.text("id")
    lines = tuple(
        OrderLine(
            line_id=line.text("id"),
            sku=line.text("sku"),
            quantity=line.number("quantity"),
            unit_price=line.number("price"),
        )
        for line in raw.each("lines")
    )
    order = OrderPlaced(
        channel=ChannelCode(received.channel),
        channel_order_id=ChannelOrderId(number),
        number=f"#{number}",
        placed_at=raw.moment("at"),
        currency="EUR",
        lines=lines,
        total=raw.number("total"),
    )
    yield Decoded(document=order, key=f"order/{number}", event_id=f"order/{number}@{raw.text('at')}")


async def register(session: Session, url: str) -> None:
    (_folder(session) / "registered").write_text(url)


def verify(_body: bytes, headers: Mapping[str, str], settings: Mapping[str, str]) -> bool:
    return compare_digest(headers.get("x-corner-signature", ""), settings["password"])


async def post(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Wants matched items, a tax code where it charges tax, and its password; says no when a file `refuse` lies there."""
    folder = _folder(session)
    if session.settings["password"] != (folder / "password").read_text().strip():
        raise CallFailed(Verdict.BROKEN, "wrong password")
    return [await _posted(session, folder, document) for document in documents]


async def _posted(session: Session, folder: Path, document: IntentDocument) -> Outcome:
    assert isinstance(document, PostSale)
    await session.identities.theirs("sku", [line.sku for line in document.lines if line.sku is not None])
    if (folder / "taxed").exists():
        session.lookup("tax", "standard")
    if (folder / "refuse").exists():
        return Refused(reason="this period is closed", path="$.placed_at")
    (folder / "documents").mkdir(exist_ok=True)
    (folder / "documents" / document.reference).touch()
    return Landed(document_id=f"D-{document.reference}")


CONNECTOR = Connector(
    name="corner",
    title="Corner Books",
    role=Role.ERP,
    summary="Everything in one folder.",
    settings=(
        Setting(name="folder", title="Folder", help="Where the other side lies."),
        Setting(name="password", title="Password", help="Of the account.", secret=True),
        Setting(name="mode", title="Mode", help="What to do.", default="live", choices=("live", "test")),
    ),
    limits=Limits(requests_per_s=100, burst=100, concurrency=2),
    check=check,
    webhooks=Webhooks(
        topics=(Webhook(topic="orders", decode=decode_order),),
        topic_of=lambda headers: headers.get("x-corner-topic", ""),
        verify=verify,
        register=register,
    ),
    pulls=(
        Pull(
            name="items",
            fetch=fetch_items,
            decode=decode_items,
            every=timedelta(minutes=1),
            overlap=timedelta(0),
            silent_after=timedelta(hours=1),
        ),
    ),
    drops=(FileDrop(name="orders", pattern="*.json", decode=decode_order),),
    sends=(Send(kind="sale.post", run=post),),
    loads=(
        Load(name="items", fetch=fetch_items, decode=decode_items),
        Load(name="stock", fetch=fetch_stock, decode=decode_stock),
    ),
    directory=directory,
    lookups=("tax",),
)
