"""POST /v1/orders and /v1/orders/batch: durable before the 202."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, assert_never
from uuid import UUID

import msgspec

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import ConnectionName, OrderId
from crossdock.canonical.orders import OrderPlaced
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.plain import needs_a_look
from crossdock.gateway.asgi import Answer, Request, decode, named
from crossdock.gateway.front import HotRoute
from crossdock.gateway.grouped import Decided, Entry, GroupedWrite, Result, origin_of
from crossdock.gateway.keys import Scope
from crossdock.gateway.memory import Memory
from crossdock.gateway.meters import Meters
from crossdock.gateway.placing import Placing
from crossdock.gateway.problems import FieldProblem, Problem, ProblemBody
from crossdock.gateway.reservations import reservation_key
from crossdock.gateway.retailer import Retailer, RetailerView
from crossdock.inbound import service as inbound
from crossdock.inbound.model import About, MessageId, NewMessage, Route
from crossdock.operations.skew import service as skew
from crossdock.operations.skew.service import Said
from crossdock.orders import service as orders
from crossdock.orders.model import Accepted, AcceptOutcome, Repeated, Revised
from crossdock.orders.service import Acceptance

BODY_MAX: Final = 256 * 1024
BATCH_BODY_MAX: Final = 4 * 1024 * 1024
DIFFERENT: Final = "different"
BATCH_MAX: Final = 500
BATCHES_PER_COMMIT: Final = 8
WRITERS: Final = 2
"""Where a commit takes milliseconds, two at once took in 1.4 to 1.8 times as many orders as one; a third added nothing."""
WAIT_MAX_S: Final = 30
OK: Final = 200
CREATED: Final = 201
ACCEPTED: Final = 202
_WAIT: Final = re.compile(rb"(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])")


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order was taken in."""

    order_id: str
    outcome: str
    """accepted, repeated (known at this revision) or revised (a newer revision of a known order)"""
    href: str
    status: str = ""
    """Where the order stands, when the request asked to wait for that."""


class BatchItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order of a batch: either an answer or a problem."""

    index: int
    status: int
    channel_order_id: str = ""
    """The sender's own id, where it can be read."""
    order: OrderAnswer | None = None
    problem: ProblemBody | None = None


class OrderBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to 500 orders. Each is decided on its own: one that is wrong does not keep the others out."""

    orders: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=BATCH_MAX)]


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One item per order, in order."""

    items: list[BatchItem]


@dataclass(frozen=True, slots=True)
class Asked:
    """The sound orders of one request, and how their answers become the request's."""

    acceptances: Sequence[Acceptance]
    present: Callable[[Sequence[OrderAnswer]], Result]


_ORDER: Final = msgspec.json.Decoder(OrderPlaced)
_BATCH: Final = msgspec.json.Decoder(OrderBatch)
_ANSWER: Final = msgspec.json.Decoder(OrderAnswer)
_ENCODE: Final = msgspec.json.Encoder().encode


class OrderIntake:
    """Takes orders in over the API."""

    def __init__(self, hub: Hub, retailer: RetailerView, meters: Meters, memory: Memory) -> None:
        self._hub = hub
        self._retailer = retailer
        self._meters = meters
        self._placing = Placing(hub)
        self._single = GroupedWrite[Asked]("orders", hub, meters, memory, self._accept, writers=WRITERS)
        self._batches = GroupedWrite[Asked](
            "order_batches", hub, meters, memory, self._accept, batch_max=BATCHES_PER_COMMIT
        )

    def routes(self) -> tuple[HotRoute, ...]:
        """What it serves."""
        return (
            HotRoute(
                method="POST",
                path="/v1/orders",
                summary="Place one order",
                scope=Scope.ORDERS_WRITE,
                of_channels=True,
                body_max=BODY_MAX,
                request=OrderPlaced,
                answers={202: OrderAnswer, 201: OrderAnswer, 200: OrderAnswer},
                handle=self.place,
                waits=True,
                conflicts=True,
            ),
            HotRoute(
                method="POST",
                path="/v1/orders/batch",
                summary="Place up to 500 orders; each is decided on its own",
                scope=Scope.ORDERS_WRITE,
                of_channels=True,
                body_max=BATCH_BODY_MAX,
                request=OrderBatch,
                answers={207: BatchAnswer},
                handle=self.place_batch,
            ),
        )

    @property
    def waiting(self) -> int:
        """Requests that no commit has taken yet."""
        return self._single.waiting + self._batches.waiting

    async def close(self) -> None:
        """Finish what is waiting."""
        await self._single.close()
        await self._batches.close()
        await self._placing.close()

    async def place(self, request: Request) -> Answer:
        """One order; with `Prefer: wait=N`, 201 once it was looked at, 202 when that took longer."""
        retailer = await self._retailer.get()
        acceptance = _acceptance(decode(request.body, _ORDER), request, retailer, origin_of(request))
        answer = await self._single.submit(request, Asked((acceptance,), _one_answer))
        prefer = request.headers.get(b"prefer")
        return answer if prefer is None else await self._waited(answer, prefer)

    async def _waited(self, answer: Answer, prefer: bytes) -> Answer:
        wanted = _WAIT.search(prefer)
        if wanted is None:
            return answer
        seconds = min(int(wanted[1]), WAIT_MAX_S)
        told = _ANSWER.decode(answer.body)
        status = await self._placing.wait(OrderId(UUID(told.order_id)), seconds)
        if status is None:
            return answer
        return Answer(
            status=CREATED if answer.status == ACCEPTED else answer.status,
            body=_ENCODE(msgspec.structs.replace(told, status=status)),
            headers={**answer.headers, "Preference-Applied": f"wait={seconds}"},
        )

    async def place_batch(self, request: Request) -> Answer:
        """Many orders in one transaction; a wrong one is answered as wrong and leaves the others alone."""
        retailer = await self._retailer.get()
        sound: dict[int, Acceptance] = {}
        problems: dict[int, Problem] = {}
        look = needs_a_look(request.body)  # once for all of them
        parts = decode(request.body, _BATCH, look=look).orders
        for index, raw in enumerate(parts):
            try:
                origin = Origin(correlation_id=new_id(), source=f"api:{request.caller.name}")
                sound[index] = _acceptance(decode(bytes(raw), _ORDER, look=look), request, retailer, origin)
            except Problem as problem:
                problems[index] = problem

        def present(answers: Sequence[OrderAnswer]) -> Answer:
            items = [
                _sound_item(index, told.order.channel_order_id, answer)
                for (index, told), answer in zip(sound.items(), answers, strict=True)
            ]
            items += [
                _wrong_item(index, named(parts[index], "channel_order_id"), problem)
                for index, problem in problems.items()
            ]
            items.sort(key=lambda item: item.index)
            nothing = None if answers else next(iter(problems.values()), None)
            return Answer(status=207, body=_ENCODE(BatchAnswer(items=items)), refused=nothing)

        return await self._batches.submit(request, Asked(tuple(sound.values()), present))

    async def _accept(self, tx: Tx, entries: Sequence[Entry[Asked]], now: datetime) -> Decided:
        ids = [MessageId(new_id()) for _ in entries]
        await inbound.put(tx, self._hub.vault, ids, [_raw(entry) for entry in entries], now=now, queued=False)
        told = [
            Acceptance(each.order, each.connection, each.origin.caused_by(message))
            for message, entry in zip(ids, entries, strict=True)
            for each in entry.asked.acceptances
        ]
        outcomes = await orders.accept_many(tx, self._hub.vault, told, now=now) if told else ()
        await inbound.wake(tx, [f"order/{each.order.channel_order_id}" for each in told])
        said = [
            Said(subject=f"order/{outcome.order_id}", times=skew.times_of(each.order), origin=each.origin)
            for each, outcome in zip(told, outcomes, strict=True)
            if not isinstance(outcome, Repeated)
        ]
        if doubtful := skew.doubtful(said, now):
            await skew.mind(tx, (await self._retailer.get()).estate, doubtful, now=now)
        answers = [_answer(each.order, outcome) for each, outcome in zip(told, outcomes, strict=True)]
        for word, count in Counter(answer.outcome for answer in answers).items():
            self._meters.taken("orders", word, count)
        each_answer = iter(answers)
        return Decided([entry.asked.present([next(each_answer) for _ in entry.asked.acceptances]) for entry in entries])


def _acceptance(order: OrderPlaced, request: Request, retailer: Retailer, origin: Origin) -> Acceptance:
    request.caller.check_channel(order.channel)
    channel = retailer.channel(order.channel, "$.channel")
    source = retailer.sources.get(channel.code)
    if source is not None and request.caller.channel is None:
        raise Problem(
            "forbidden",
            f'orders of channel "{channel.code}" come from connection "{source}": whoever places or revises '
            f"them here needs a key for that channel (`crossdock key create … --channel {channel.code}`)",
        )
    named = tuple(reservation_key(request.caller, key) for key in order.reservations)
    order = msgspec.structs.replace(order, reservations=named) if named else order
    return Acceptance(order, ConnectionName(source or f"api.{channel.code}"), origin)


def _raw(entry: Entry[Asked]) -> NewMessage:
    """The request as it came, kept for questions years later; its records are written here, not by the decoders."""
    return NewMessage(
        connection=ConnectionName(f"api.{entry.request.caller.name}"),
        route=Route.UPLOAD,
        feed=entry.request.path,
        body=entry.request.body,
        about=[About.order(each.connection, each.order) for each in entry.asked.acceptances],
    )


def _answer(order: OrderPlaced, outcome: AcceptOutcome) -> OrderAnswer:
    """Without a revision time nobody can tell news from a number used twice: other content is not a repetition."""
    match outcome:
        case Accepted():
            word = "accepted"
        case Repeated():
            word = DIFFERENT if order.updated_at is None and not outcome.identical else "repeated"
        case Revised():
            word = "revised"
        case _:
            assert_never(outcome)
    order_id = str(outcome.order_id)
    return OrderAnswer(order_id=order_id, outcome=word, href=f"/v1/orders/{order_id}")


def _different(answer: OrderAnswer, path: str) -> Problem:
    reason = f"is known with other content ({answer.href}): send `updated_at` to revise it, or use another id"
    return Problem("conflict", errors=(FieldProblem(path=path, reason=reason),))


def _one_answer(answers: Sequence[OrderAnswer]) -> Result:
    (answer,) = answers
    if answer.outcome == DIFFERENT:
        return _different(answer, "$.channel_order_id")
    return Answer(
        status=ACCEPTED if answer.outcome == "accepted" else OK, body=_ENCODE(answer), headers={"Location": answer.href}
    )


def _sound_item(index: int, name: str, answer: OrderAnswer) -> BatchItem:
    if answer.outcome == DIFFERENT:
        return _wrong_item(index, name, _different(answer, "$.channel_order_id"))
    status = ACCEPTED if answer.outcome == "accepted" else OK
    return BatchItem(index=index, status=status, channel_order_id=name, order=answer)


def _wrong_item(index: int, name: str, problem: Problem) -> BatchItem:
    moved = problem.below(f"$.orders[{index}]")
    return BatchItem(index=index, status=moved.status, channel_order_id=name, problem=moved.document())
