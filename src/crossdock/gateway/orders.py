"""POST /v1/orders and /v1/orders/batch: durable before the 202."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, assert_never

import msgspec

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import ConnectionName
from crossdock.canonical.orders import OrderPlaced
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.gateway.asgi import Answer, HotRoute, Request, decode
from crossdock.gateway.grouped import Entry, GroupedWrite, Result, origin_of
from crossdock.gateway.keys import Scope
from crossdock.gateway.problems import FieldProblem, Problem, ProblemBody
from crossdock.gateway.retailer import RetailerView
from crossdock.inbound import service as inbound
from crossdock.inbound.model import NewMessage, Route
from crossdock.orders import service as orders
from crossdock.orders.model import Accepted, AcceptOutcome, Repeated, Revised
from crossdock.orders.service import Acceptance

BODY_MAX: Final = 256 * 1024
BATCH_BODY_MAX: Final = 4 * 1024 * 1024
BATCH_MAX: Final = 500
BATCHES_PER_COMMIT: Final = 8


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An order was taken in."""

    order_id: str
    outcome: str
    """accepted, repeated (known at this revision) or revised (a newer revision of a known order)"""
    href: str


class BatchItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order of a batch: either an answer or a problem."""

    index: int
    status: int
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
    present: Callable[[Sequence[OrderAnswer]], Answer]


_ORDER: Final = msgspec.json.Decoder(OrderPlaced)
_BATCH: Final = msgspec.json.Decoder(OrderBatch)
_ENCODE: Final = msgspec.json.Encoder().encode


class OrderIntake:
    """Takes orders in over the API."""

    def __init__(self, hub: Hub, retailer: RetailerView) -> None:
        self._hub = hub
        self._retailer = retailer
        self._single = GroupedWrite[Asked](hub, self._accept)
        self._batches = GroupedWrite[Asked](hub, self._accept, batch_max=BATCHES_PER_COMMIT)

    def routes(self) -> tuple[HotRoute, ...]:
        """What it serves."""
        return (
            HotRoute(
                method="POST",
                path="/v1/orders",
                summary="Place one order",
                scope=Scope.ORDERS_WRITE,
                body_max=BODY_MAX,
                request=OrderPlaced,
                answers={202: OrderAnswer, 200: OrderAnswer},
                handle=self.place,
            ),
            HotRoute(
                method="POST",
                path="/v1/orders/batch",
                summary="Place up to 500 orders; each is decided on its own",
                scope=Scope.ORDERS_WRITE,
                body_max=BATCH_BODY_MAX,
                request=OrderBatch,
                answers={207: BatchAnswer},
                handle=self.place_batch,
            ),
        )

    async def close(self) -> None:
        """Finish what is waiting."""
        await self._single.close()
        await self._batches.close()

    async def place(self, request: Request) -> Answer:
        """One order."""
        acceptance = await self._acceptance(request.body, request, origin_of(request))
        return await self._single.submit(request, Asked((acceptance,), _one_answer))

    async def place_batch(self, request: Request) -> Answer:
        """Many orders in one transaction; a wrong one is answered as wrong and leaves the others alone."""
        sound: dict[int, Acceptance] = {}
        problems: dict[int, Problem] = {}
        for index, raw in enumerate(decode(request.body, _BATCH).orders):
            try:
                sound[index] = await self._acceptance(bytes(raw), request, origin_of(request))
            except Problem as problem:
                problems[index] = problem

        def present(answers: Sequence[OrderAnswer]) -> Answer:
            items = [_sound_item(index, answer) for index, answer in zip(sound, answers, strict=True)]
            items += [_wrong_item(index, problem) for index, problem in problems.items()]
            items.sort(key=lambda item: item.index)
            return Answer(status=207, body=_ENCODE(BatchAnswer(items=items)))

        return await self._batches.submit(request, Asked(tuple(sound.values()), present))

    async def _acceptance(self, body: bytes, request: Request, origin: Origin) -> Acceptance:
        order = decode(body, _ORDER)
        if request.caller.channel not in {None, order.channel}:
            raise Problem("forbidden", f'the key "{request.caller.name}" is for channel {request.caller.channel} only')
        channel = await self._retailer.channel(order.channel)
        if channel is None:
            known = ", ".join(await self._retailer.channel_codes()) or "none"
            reason = f'there is no channel "{order.channel}" (known: {known})'
            raise Problem("invalid", errors=(FieldProblem(path="$.channel", reason=reason),))
        return Acceptance(order, ConnectionName(channel.connection or f"api.{channel.code}"), origin)

    async def _accept(self, tx: Tx, entries: Sequence[Entry[Asked]], now: datetime) -> Sequence[Result]:
        acceptances = [acceptance for entry in entries for acceptance in entry.asked.acceptances]
        await inbound.receive(tx, [_raw(entry) for entry in entries], now=now, queued=[False] * len(entries))
        outcomes = iter(await orders.accept_many(tx, self._hub.vault, acceptances, now=now))
        return [entry.asked.present([_answer(next(outcomes)) for _ in entry.asked.acceptances]) for entry in entries]


def _raw(entry: Entry[Asked]) -> NewMessage:
    """The request as it came, kept for questions years later; its records are written here, not by the decoders."""
    return NewMessage(
        connection=ConnectionName(f"api.{entry.request.caller.name}"),
        route=Route.UPLOAD,
        feed=entry.request.path,
        body=entry.request.body,
    )


def _answer(outcome: AcceptOutcome) -> OrderAnswer:
    match outcome:
        case Accepted():
            word = "accepted"
        case Repeated():
            word = "repeated"
        case Revised():
            word = "revised"
        case _:
            assert_never(outcome)
    order_id = str(outcome.order_id)
    return OrderAnswer(order_id=order_id, outcome=word, href=f"/v1/orders/{order_id}")


def _one_answer(answers: Sequence[OrderAnswer]) -> Answer:
    (answer,) = answers
    return Answer(
        status=202 if answer.outcome == "accepted" else 200, body=_ENCODE(answer), headers={"Location": answer.href}
    )


def _sound_item(index: int, answer: OrderAnswer) -> BatchItem:
    return BatchItem(index=index, status=202 if answer.outcome == "accepted" else 200, order=answer)


def _wrong_item(index: int, problem: Problem) -> BatchItem:
    """The problem with its paths made those of the whole batch."""
    below = tuple(
        FieldProblem(path=f"$.orders[{index}]{error.path.removeprefix('$')}", reason=error.reason)
        for error in problem.errors
    )
    moved = Problem(problem.kind, problem.detail, errors=below)
    return BatchItem(index=index, status=moved.status, problem=msgspec.json.decode(moved.body(), type=ProblemBody))
