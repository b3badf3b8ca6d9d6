"""The shop's books: all state of one rehearsal shop, without behaviour towards the outside."""

from base64 import urlsafe_b64encode
from datetime import datetime
from itertools import count
from random import Random
from typing import Final

from crossdock.foundation.clock import Clock
from crossdock.foundation.ids import randomness
from crossdock.simulation.shop.model import FulfillmentOrder, MutationRecord, Order, Oversold, Subscription
from crossdock.simulation.shop.seed import Catalogue, ShopSeed
from crossdock.simulation.shop.stock import StockRoom

MUTATIONS_KEPT_MAX: Final = 200_000


class Books:
    """Everything the shop remembers. Ids come from one counter, so two runs of a seed give the same ids."""

    def __init__(self, seed: ShopSeed, clock: Clock) -> None:
        self.seed: Final = seed
        self.clock: Final = clock
        self.chance: Final[Random] = randomness(seed.chance)
        self.ids: Final = count(seed.first_id, 2)
        self.numbers: Final = count(1001)
        self.shop_id: Final = next(self.ids)
        self.catalogue: Final = Catalogue(seed, self.ids, self.second())
        self.stock: Final = StockRoom(seed, self.catalogue, self.ids, self.second())
        self.orders: Final[dict[int, Order]] = {}
        self.fulfillment_orders: Final[dict[int, FulfillmentOrder]] = {}
        self.subscriptions: Final[dict[int, Subscription]] = {}
        self.oversold: Final[list[Oversold]] = []
        self.mutations: Final[list[MutationRecord]] = []
        self.mutations_dropped = 0
        self.opened_at: Final = self.second()
        self._indexed: dict[int, list[tuple[float, datetime]]] = {}

    def second(self) -> datetime:
        """Now, to the whole second, as the vendor stamps everything."""
        return self.clock.now().replace(microsecond=0)

    def token(self) -> str:
        """An order's public token."""
        return urlsafe_b64encode(self.chance.randbytes(18)).decode()

    def touch(self, order: Order) -> None:
        """The order changed: stamp it, and let search learn of it after the seed's lag."""
        order.updated_at = self.second()
        self._indexed.setdefault(order.id, []).append((self.clock.monotonic(), order.updated_at))

    def indexed_at(self, order: Order) -> datetime | None:
        """The `updated_at` that search knows by now, or None while it does not know the order."""
        horizon = self.clock.monotonic() - self.seed.index_lag_s
        known = [stamp for moment, stamp in self._indexed[order.id] if moment <= horizon]
        return known[-1] if known else None

    def record(self, entry: MutationRecord) -> None:
        """Write down what the API was asked to change and what came of it."""
        if len(self.mutations) < MUTATIONS_KEPT_MAX:
            self.mutations.append(entry)
        else:
            self.mutations_dropped += 1
