"""The desk that GraphQL requests come to: check, price, run, and say what it cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLAbstractType,
    GraphQLError,
    GraphQLFormattedError,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_directive_values,
    get_operation_ast,
    parse,
    validate,
)

from crossdock.simulation.shop.api.cost import OPERATION_POINTS_MAX, Bucket, Meter
from crossdock.simulation.shop.api.idempotency import MANDATORY, Answered, Keys
from crossdock.simulation.shop.api.schema import Checks
from crossdock.simulation.shop.api.table import Arguments, Call, bad_request
from crossdock.simulation.shop.api.tables import MUTATIONS, QUERIES, TYPE_OF, table_of
from crossdock.simulation.shop.model import MutationRecord, Result
from crossdock.simulation.shop.shop import Shop

DOCUMENTS_KEPT: Final = 256


class Request(msgspec.Struct):
    """A GraphQL request as it is posted."""

    query: str
    variables: dict[str, object] | None = None
    operationName: str | None = None  # noqa: N815 (the wire's own name)


@dataclass(frozen=True, slots=True)
class Ready:
    """A request that passed every check before it runs."""

    document: DocumentNode
    operation: OperationDefinitionNode
    request: Request
    requested: int

    @property
    def fields(self) -> tuple[str, ...]:
        """Root fields by name: what faults match."""
        selected = self.operation.selection_set.selections
        return tuple(node.name.value for node in selected if isinstance(node, FieldNode))


Body = Mapping[str, object]


class Desk:
    """Answers GraphQL for one shop."""

    def __init__(self, shop: Shop, checks: Checks) -> None:
        self._shop = shop
        self._checks = checks
        seed, clock = shop.books.seed, shop.books.clock
        self._bucket = Bucket(seed.bucket_max, seed.restore_per_s, seed.bucket_max, clock.monotonic())
        self._keys = Keys()
        self._failing = False
        self._checked = lru_cache(DOCUMENTS_KEPT)(self._check)

    def prepare(self, request: Request) -> Ready | Body:
        """Check the request and take its points; a body is a refusal, answered with HTTP 200 like everything here."""
        checked = self._checked(request.query)
        if isinstance(checked, tuple):
            return {"errors": [dict(error) for error in checked]}
        operation = get_operation_ast(checked, request.operationName)
        if operation is None:
            return {"errors": [bad_request("No operation named so").formatted]}
        requested = self._meter(checked, request).requested(operation)
        if requested > OPERATION_POINTS_MAX:
            text = f"Query cost is {requested}, which exceeds the single query max cost limit ({OPERATION_POINTS_MAX})."
            extensions = {"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": OPERATION_POINTS_MAX}
            return {"errors": [{"message": text, "extensions": extensions}]}
        if not self._bucket.take(requested, self._now_s()):
            return self.throttled(requested)
        return Ready(checked, operation, request, requested)

    def run(self, ready: Ready, *, failing: bool = False) -> Body:
        """Carry the request out; *failing* breaks its mutations from within."""
        self._failing = failing
        result = execute_sync(
            self._checks.schema,
            ready.document,
            root_value=self._shop,
            variable_values=ready.request.variables or {},
            operation_name=ready.request.operationName,
            field_resolver=self._resolve,
            type_resolver=_type_of,
        )
        actual = self._meter(ready.document, ready.request).actual(ready.operation, result.data)
        self._bucket.give_back(max(0, ready.requested - actual))
        body: dict[str, object] = {"data": result.data}
        if result.errors:
            body["errors"] = [dict(error.formatted) for error in result.errors]
        body["extensions"] = self._extensions(ready.requested, actual)
        return body

    def untake(self, ready: Ready) -> None:
        """The call came to nothing: its points come back."""
        self._bucket.give_back(ready.requested)

    def throttled(self, requested: int) -> Body:
        """Too many points for now."""
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
        return {"errors": [error], "extensions": self._extensions(requested, None)}

    def keys_of(self, ready: Ready) -> frozenset[str]:
        """The idempotency keys a request carries, as far as they are text or a plain variable."""
        keys: set[str] = set()
        variables = ready.request.variables or {}
        for node in ready.operation.selection_set.selections:
            for directive in node.directives or ():
                for argument in directive.arguments or ():
                    text = getattr(argument.value, "value", None)
                    name = getattr(getattr(argument.value, "name", None), "value", "")
                    key = text if isinstance(text, str) else variables.get(name)
                    if directive.name.value == "idempotent" and isinstance(key, str):
                        keys.add(key)
        return frozenset(keys)

    @property
    def keys(self) -> Keys:
        """Keys in use and remembered."""
        return self._keys

    def _check(self, query: str) -> DocumentNode | tuple[GraphQLFormattedError, ...]:
        try:
            document = parse(query, max_tokens=10_000)
        except GraphQLError as error:
            return (error.formatted,)
        errors = validate(self._checks.schema, document)
        return tuple(error.formatted for error in errors) if errors else document

    def _resolve(self, source: object, info: GraphQLResolveInfo[object], **arguments: object) -> object:
        type_name, field = info.parent_type.name, info.field_name
        directive = self._checks.schema.get_directive("idempotent")
        assert directive is not None
        values = get_directive_values(directive, info.field_nodes[0], info.variable_values)
        call = Call(
            shop=self._shop,
            arguments=Arguments(arguments),
            idempotency_key=None if values is None else str(values["key"]),
            failing=self._failing,
        )
        if info.operation.operation is OperationType.MUTATION and type_name == "Mutation":
            return self._mutate(field, call)
        if type_name == "QueryRoot":
            query = QUERIES.get(field)
            if query is None:
                raise _not_served(type_name, field)
            return query(call)
        table = table_of(type_name)
        if table is None or field not in table:
            raise _not_served(type_name, field)
        return table[field](source, call)

    def _mutate(self, field: str, call: Call) -> object:
        mutation = MUTATIONS.get(field)
        if mutation is None:
            raise _not_served("Mutation", field)
        key = call.idempotency_key
        arguments = msgspec.json.encode(call.arguments.values, order="sorted").decode()
        try:
            if field in MANDATORY and key is None:
                raise bad_request("The @idempotent directive is required for this mutation but was not provided.")
            if field not in MANDATORY and key is not None:
                raise bad_request("The @idempotent directive is not supported on this mutation.")
            if key is not None and not key.strip():
                raise bad_request("The idempotency key can't be blank.")
            if call.failing:
                if key is not None:
                    self._keys.spend(key, f"{field}{arguments}", call.books.clock.now())
                raise bad_request("Internal error. Looks like something went wrong.", "INTERNAL_SERVER_ERROR")
            answered = (
                Answered(mutation(call))
                if key is None
                else self._keys.once(key, f"{field}{arguments}", call.books.clock.now(), lambda: mutation(call))
            )
        except GraphQLError as error:
            self._record(call, field, arguments, "error", (error.message,))
            raise
        reasons = tuple(problem.code or problem.message for problem in answered.payload.problems)
        outcome: Result = "replayed" if answered.replayed else "refused" if reasons else "applied"
        self._record(call, field, arguments, outcome, reasons)
        return answered.payload

    def _record(self, call: Call, field: str, arguments: str, result: Result, reasons: tuple[str, ...]) -> None:
        call.books.record(
            MutationRecord(call.books.clock.now(), field, call.idempotency_key, arguments, result, reasons)
        )

    def _meter(self, document: DocumentNode, request: Request) -> Meter:
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        return Meter(self._checks.schema, fragments, request.variables or {})

    def _extensions(self, requested: int, actual: int | None) -> Body:
        self._bucket.refill(self._now_s())
        status = {
            "maximumAvailable": float(self._bucket.maximum),
            "currentlyAvailable": int(self._bucket.held),
            "restoreRate": float(self._bucket.restore_per_s),
        }
        cost = {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}
        return {"cost": cost, "rehearsal": {"checks": self._checks.source}}

    def _now_s(self) -> float:
        return self._shop.books.clock.monotonic()


def _type_of(value: object, _info: GraphQLResolveInfo[object], _abstract: GraphQLAbstractType) -> str | None:
    return TYPE_OF.get(type(value))


def _not_served(type_name: str, field: str) -> GraphQLError:
    return bad_request(f"The rehearsal shop does not serve {type_name}.{field}.", "NOT_REHEARSED")
