"""Enters a retailer into an empty Tryton over its own API, in the order that its references demand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Final, TypeVar

from crossdock.simulation.erp.model import ItemSeed, LocationSeed, RetailerSeed, StockSeed
from crossdock.simulation.erp.progress import Progress, Report, Step
from crossdock.simulation.erp.rpc import Rpc, Value
from crossdock.simulation.erp.server import HUB, PASSWORD

_WORKERS: Final = 2
"""Tryton serves from two processes here."""
_ITEMS_AT_ONCE: Final = 100
_RECEIVABLE: Final = "1.2.1"
_PAYABLE: Final = "2.1.1"
_GOODS_STEPS: Final = 6
_SINGLETON: Final = 1
_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class _Found:
    """Tryton's ids by our codes."""

    accounts: Mapping[str, int]
    categories: Mapping[str, int]
    storage: Mapping[str, int]
    items: Mapping[str, int]


def enter(seed: RetailerSeed, log_in: Callable[[], Rpc], report: Report) -> None:
    """Everything in *seed*; the ERP then stands as on the morning of the day."""
    rpc = log_in()
    report(Progress(Step.RETAILER, 0, _GOODS_STEPS))
    company, currency = _company(rpc, seed)
    report(Progress(Step.RETAILER, 1, _GOODS_STEPS))
    _chart(rpc, company)
    accounts = _accounts(rpc, seed, company)
    report(Progress(Step.RETAILER, 2, _GOODS_STEPS))
    for year in seed.fiscal_years:
        _fiscal_year(rpc, company, year)
    report(Progress(Step.RETAILER, 3, _GOODS_STEPS))
    categories = _categories(rpc, seed, company, accounts)
    storage = _locations(rpc, seed.locations)
    report(Progress(Step.RETAILER, 4, _GOODS_STEPS))
    items = _items(rpc, seed, categories, log_in)
    report(Progress(Step.RETAILER, 5, _GOODS_STEPS))
    _customers(rpc, seed, company, currency)
    _hub_user(rpc, company)
    report(Progress(Step.RETAILER, _GOODS_STEPS, _GOODS_STEPS))
    _opening_stock(seed, _Found(accounts, categories, storage, items), log_in, report)


def _company(rpc: Rpc, seed: RetailerSeed) -> tuple[int, int]:
    rate: Mapping[str, Value] = {"date": date(min(seed.fiscal_years), 1, 1), "rate": Decimal(1)}
    [currency] = rpc.create(
        "currency.currency",
        [
            {
                "name": seed.currency, "code": seed.currency, "symbol": seed.currency, "digits": 2,
                "rounding": Decimal("0.01"), "rates": [["create", [rate]]],
            }
        ],
    )  # fmt: skip
    [party] = rpc.create("party.party", [{"name": seed.company, "code": "COMPANY", "addresses": [["create", [{}]]]}])
    [company] = rpc.create("company.company", [{"party": party, "currency": currency, "timezone": "UTC"}])
    user = rpc.one("res.user", [["login", "=", "admin"]])
    rpc.call("model.res.user.write", [user], {"companies": [["add", [company]]], "company": company})
    rpc.refresh()
    return company, currency


def _chart(rpc: Rpc, company: int) -> None:
    """Tryton's universal chart of accounts, by its own wizard."""
    template = rpc.one("account.account.template", [["parent", "=", None]])
    said = rpc.call("wizard.account.create_chart.create")
    assert isinstance(said, list)
    session = int(said[0])
    rpc.call("wizard.account.create_chart.execute", session, {"start": {}}, "account")
    chosen: Value = {"start": {}, "account": {"company": company, "account_template": template}}
    rpc.call("wizard.account.create_chart.execute", session, chosen, "create_account")
    rpc.call("wizard.account.create_chart.delete", session)


def _accounts(rpc: Rpc, seed: RetailerSeed, company: int) -> Mapping[str, int]:
    types = {row.text("name"): row.id for row in rpc.read_all("account.account.type", [], ["name"])}
    rpc.create(
        "account.account",
        [
            {"code": account.code, "name": account.name, "type": types[account.kind.value], "company": company}
            for account in seed.accounts
        ],
    )
    accounts = {row.text("code"): row.id for row in rpc.read_all("account.account", [], ["code"])}
    values: Mapping[str, Value] = {
        "default_account_receivable": accounts[_RECEIVABLE],
        "default_account_payable": accounts[_PAYABLE],
        "default_category_account_revenue": accounts[seed.sales_account],
        "default_category_account_expense": accounts[seed.cost_account],
    }
    rpc.call("model.account.configuration.write", [_SINGLETON], values)
    rpc.create(
        "account.journal",
        [{"code": journal.code, "name": journal.name, "type": "general"} for journal in seed.journals],
    )
    return accounts


def _fiscal_year(rpc: Rpc, company: int, year: int) -> None:
    kinds = {row.text("name"): row.id for row in rpc.read_all("ir.sequence.type", [], ["name"])}
    [moves, invoices] = rpc.create(
        "ir.sequence.strict",
        [
            {"name": f"{name} {year}", "sequence_type": kinds[name], "company": company, "prefix": f"{year}-"}
            for name in ("Account Move", "Invoice")
        ],
    )
    numbering = {
        "company": company, "out_invoice_sequence": invoices, "out_credit_note_sequence": invoices,
        "in_invoice_sequence": invoices, "in_credit_note_sequence": invoices,
    }  # fmt: skip
    [made] = rpc.create(
        "account.fiscalyear",
        [
            {
                "name": str(year), "company": company, "start_date": date(year, 1, 1), "end_date": date(year, 12, 31),
                "move_sequence": moves, "invoice_sequences": [["create", [numbering]]],
            }
        ],
    )  # fmt: skip
    rpc.call("model.account.fiscalyear.create_period", [made])


def _categories(rpc: Rpc, seed: RetailerSeed, company: int, accounts: Mapping[str, int]) -> Mapping[str, int]:
    """One accounting category per tax, and one per account of services."""
    taxes = rpc.create(
        "account.tax",
        [
            {
                "name": tax.code, "description": tax.code, "type": "percentage", "rate": tax.percent / 100,
                "company": company, "invoice_account": accounts[tax.account],
                "credit_note_account": accounts[tax.account],
            }
            for tax in seed.taxes
        ],
    )  # fmt: skip
    goods: list[Mapping[str, Value]] = [
        {
            "name": f"Goods {tax.code}", "accounting": True, "account_revenue": accounts[seed.sales_account],
            "account_expense": accounts[seed.cost_account], "customer_taxes": [["add", [tax_id]]],
        }
        for tax, tax_id in zip(seed.taxes, taxes, strict=True)
    ]  # fmt: skip
    charged = sorted({service.account for service in seed.services})
    services: list[Mapping[str, Value]] = [
        {"name": f"Services {account}", "accounting": True, "account_revenue": accounts[account]} for account in charged
    ]
    made = rpc.create("product.category", [*goods, *services])
    names = [*(f"goods {tax.code}" for tax in seed.taxes), *(f"services {account}" for account in charged)]
    return dict(zip(names, made, strict=True))


def _locations(rpc: Rpc, locations: Sequence[LocationSeed]) -> Mapping[str, int]:
    """Warehouses; returns where each keeps its goods."""
    lost = rpc.one("stock.location", [["type", "=", "lost_found"]])
    storage: dict[str, int] = {}
    warehouses: list[Mapping[str, Value]] = []
    for location in locations:
        parts = [("storage", "STO"), ("input", "IN"), ("output", "OUT")] if location.zones else [("storage", "STO")]
        made = rpc.create(
            "stock.location",
            [
                {"name": f"{location.name} {zone}", "code": f"{location.code}-{suffix}", "type": "storage"}
                for zone, suffix in parts
            ],
        )
        storage[location.code] = made[0]
        warehouses.append(
            {
                "name": location.name, "code": location.code, "type": "warehouse", "storage_location": made[0],
                "input_location": made[len(made) // 2], "output_location": made[-1], "lost_found_location": lost,
            }
        )  # fmt: skip
    rpc.create("stock.location", warehouses)
    default = rpc.one("stock.location", [["code", "=", "WH"]])
    rpc.call("model.stock.location.write", [default], {"active": False})
    return storage


def _items(rpc: Rpc, seed: RetailerSeed, categories: Mapping[str, int], log_in: Callable[[], Rpc]) -> Mapping[str, int]:
    units = {row.text("symbol"): row.id for row in rpc.read_all("product.uom", [], ["symbol"])}

    def goods(item: ItemSeed) -> Mapping[str, Value]:
        codes: Value = [["create", [{"code": item.barcode}]]] if item.barcode else []
        return {
            "name": item.name, "code": item.sku, "type": "goods", "default_uom": units[item.unit],
            "sale_uom": units[item.unit], "salable": True, "list_price": item.price,
            "account_category": categories[f"goods {item.tax}"], "products": [["create", [{"identifiers": codes}]]],
        }  # fmt: skip

    services: list[Mapping[str, Value]] = [
        {
            "name": service.name, "code": service.code, "type": "service", "default_uom": units["u"],
            "sale_uom": units["u"], "salable": True, "list_price": Decimal(0),
            "account_category": categories[f"services {service.account}"], "products": [["create", [{}]]],
        }
        for service in seed.services
    ]  # fmt: skip
    wanted = [*(goods(item) for item in seed.items), *services]
    parts = [wanted[start : start + _ITEMS_AT_ONCE] for start in range(0, len(wanted), _ITEMS_AT_ONCE)]
    _side_by_side(parts, log_in, lambda mine, part: mine.create("product.template", part))
    return {row.text("code"): row.id for row in rpc.read_all("product.product", [], ["code"])}


def _customers(rpc: Rpc, seed: RetailerSeed, company: int, currency: int) -> None:
    [country] = rpc.create("country.country", [{"name": seed.country, "code": seed.country}])
    rpc.create(
        "party.party",
        [
            {"name": party.name, "code": party.code, "addresses": [["create", [{"country": country}]]]}
            for party in (seed.web_customer, seed.walk_in)
        ],
    )
    rpc.create("web.shop", [{"name": seed.web_shop, "company": company, "currency": currency}])


def _hub_user(rpc: Rpc, company: int) -> None:
    groups = [row.id for row in rpc.read_all("res.group", [], ["name"])]
    user: Mapping[str, Value] = {
        "name": "Crossdock", "login": HUB, "password": PASSWORD, "groups": [["add", groups]],
        "companies": [["add", [company]]], "company": company,
    }  # fmt: skip
    rpc.create("res.user", [user])


def _opening_stock(seed: RetailerSeed, found: _Found, log_in: Callable[[], Rpc], report: Report) -> None:
    """One inventory per warehouse, counted on the first day of the books."""
    day = date(min(seed.fiscal_years), 1, 1)
    ordered = sorted(seed.stock, key=lambda stock: stock.location)
    counts = [(location, list(lines)) for location, lines in groupby(ordered, key=lambda stock: stock.location)]
    done = 0
    report(Progress(Step.STOCK, 0, len(counts)))

    def count(rpc: Rpc, part: tuple[str, Iterable[StockSeed]]) -> None:
        nonlocal done
        location, lines = part
        counted = [{"product": found.items[line.sku], "quantity": float(line.quantity)} for line in lines]
        made = rpc.create(
            "stock.inventory",
            [
                {
                    "location": found.storage[location], "date": day, "empty_quantity": "keep",
                    "lines": [["create", counted]],
                }
            ],
        )  # fmt: skip
        rpc.call("model.stock.inventory.confirm", made)
        done += 1
        report(Progress(Step.STOCK, done, len(counts)))

    _side_by_side(counts, log_in, count)


def _side_by_side(parts: Sequence[_Part], log_in: Callable[[], Rpc], work: Callable[[Rpc, _Part], object]) -> None:
    """Each worker has a log-in of its own and takes every n-th part."""

    def share(mine: Sequence[_Part]) -> None:
        rpc = log_in()
        for part in mine:
            work(rpc, part)

    with ThreadPoolExecutor(_WORKERS) as workers:
        for finished in workers.map(share, (parts[first::_WORKERS] for first in range(_WORKERS))):
            assert finished is None
