"""A small sound estate as files, and ways to spoil it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from crossdock.connector_kit.model import Connector, Limits, Role, Send, Setting
from crossdock.connector_kit.setting import web_address
from crossdock.estate.service import Checked, check

COMPANY = """\
company:
  name: Corner Shops
  currency: EUR
  zone: Europe/Berlin
"""
PLACES = """\
locations:
  - code: DC1
    name: Warehouse
    kind: warehouse
  - code: S1
    name: Store 1
    kind: store
    zone: Europe/Berlin
channels:
  - code: web
    name: Web shop
    currency: EUR
    connection: shop
    pool: [DC1, S1]
"""
CONNECTIONS = """\
connections:
  - name: shop
    connector: toyshop
    channel: web
    settings:
      url: http://127.0.0.1:1
      password: ${SHOP_PASSWORD}
  - name: erp
    connector: books
flows:
  - kind: sale.post
    connection: erp
  - kind: stock.publish
    connection: shop
"""
SOUND: Mapping[str, str] = {"1-company.yaml": COMPANY, "2-places.yaml": PLACES, "3-connections.yaml": CONNECTIONS}


async def _nothing(*_: object) -> tuple[()]:
    return ()


def _connector(name: str, kinds: tuple[str, ...], settings: tuple[Setting, ...] = ()) -> Connector:
    return Connector(
        name=name,
        title=name,
        role=Role.SHOP,
        summary="",
        settings=settings,
        limits=Limits(requests_per_s=1, burst=1, concurrency=1),
        sends=tuple(Send(kind=kind, run=_nothing) for kind in kinds),
    )


CONNECTORS: Mapping[str, Connector] = {
    "toyshop": _connector(
        "toyshop",
        ("stock.publish",),
        (
            Setting(name="url", title="Address", help="", refuse=web_address),
            Setting(name="password", title="Password", help="", secret=True),
            Setting(name="mode", title="Mode", help="", default="live", choices=("live", "test")),
        ),
    ),
    "books": _connector("books", ("sale.post", "invoice.post", "journal.post")),
    "ledger": _connector("ledger", ("sale.post", "sale.cancel")),
}


def write(folder: Path, files: Mapping[str, str] = SOUND, **more: str) -> Path:
    """Write *files*; *more* are further ones by stem."""
    folder.mkdir(exist_ok=True)
    for name, text in {**files, **{f"{stem}.yaml": text for stem, text in more.items()}}.items():
        (folder / name).write_text(text)
    return folder


def checked(
    folder: Path, files: Mapping[str, str] = SOUND, exception_types: Sequence[str] = (), **more: str
) -> Checked:
    """What `estate check` says."""
    return check(write(folder, files, **more), CONNECTORS, exception_types)


def spoilt(folder: Path, before: str, after: str) -> Checked:
    """The sound estate with one piece of text replaced, which must be there."""
    assert any(before in text for text in SOUND.values()), before
    return checked(folder, {name: text.replace(before, after) for name, text in SOUND.items()})


def said(result: Checked) -> list[str]:
    """Complaints as people see them."""
    return [str(complaint) for complaint in result.complaints]
