"""The vendor's points: what an operation may cost at most, what it did cost, and the bucket they come from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)

MUTATION_POINTS = 10
OPERATION_POINTS_MAX = 1000


@dataclass(slots=True)
class Bucket:
    """Points of one app at one shop; refills by the clock."""

    maximum: float
    restore_per_s: float
    held: float
    at_s: float

    def refill(self, now_s: float) -> None:
        """Add what has come back since last time."""
        self.held = min(self.maximum, self.held + (now_s - self.at_s) * self.restore_per_s)
        self.at_s = now_s

    def take(self, points: float, now_s: float) -> bool:
        """Take all of *points*, or nothing."""
        self.refill(now_s)
        if self.held < points:
            return False
        self.held -= points
        return True

    def give_back(self, points: float) -> None:
        """What was asked for and not needed."""
        self.held = min(self.maximum, self.held + points)


Sizes = Callable[[FieldNode, object], int]
"""How many nodes a connection has: by its arguments beforehand, by its answer afterwards."""


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts points of one operation: objects 1, leaves 0, a connection as many as it has nodes, a mutation 10."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, object]

    def requested(self, operation: OperationDefinitionNode) -> int:
        """The most it can cost."""
        return self._operation(operation, None, self._asked_size)

    def actual(self, operation: OperationDefinitionNode, answer: object) -> int:
        """What it did cost: empty connections and missing objects are free."""
        return self._operation(operation, answer, _answered_size)

    def _operation(self, operation: OperationDefinitionNode, answer: object, sizes: Sizes) -> int:
        root = self.schema.get_root_type(operation.operation)
        assert root is not None
        if operation.operation is OperationType.MUTATION:
            return MUTATION_POINTS * len(operation.selection_set.selections)
        return self._selections(operation.selection_set, root, answer, sizes)

    def _selections(
        self, selected: SelectionSetNode | None, parent: GraphQLNamedType, answer: object, sizes: Sizes
    ) -> int:
        if selected is None:
            return 0
        points, branches = 0, [0]
        for node in selected.selections:
            if isinstance(node, FieldNode):
                points += self._field(node, parent, answer, sizes)
                continue
            assert isinstance(node, FragmentSpreadNode | InlineFragmentNode), node
            fragment = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            condition = fragment.type_condition
            inner = self.schema.type_map[condition.name.value] if condition else parent
            worth = self._selections(fragment.selection_set, inner, answer, sizes)
            if is_abstract_type(parent) and inner is not parent:
                branches.append(worth)
            else:
                points += worth
        return points + max(branches)

    def _field(self, node: FieldNode, parent: GraphQLNamedType, answer: object, sizes: Sizes) -> int:
        field = _definition(parent, node.name.value)
        if field is None:
            return 0
        named = get_named_type(field.type)
        if is_leaf_type(named):
            return 0
        key = node.alias.value if node.alias else node.name.value
        value = answer.get(key) if isinstance(answer, Mapping) else None
        if sizes is _answered_size and value is None:
            return 0
        if named.name.endswith("Connection"):
            size = sizes(node, value)
            return size * self._node_points(node.selection_set, named, value, sizes)
        if sizes is not _answered_size:
            return self._named(node) * (1 + self._selections(node.selection_set, named, None, sizes))
        values: Sequence[object] = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        return sum(1 + self._selections(node.selection_set, named, each, sizes) for each in values)

    def _named(self, node: FieldNode) -> int:
        """How many objects are asked for by id; a field without ids is one."""
        for argument in node.arguments or ():
            if argument.name.value == "ids" and isinstance(argument.value, ListValueNode):
                return len(argument.value.values)
            if argument.name.value == "ids" and isinstance(argument.value, VariableNode):
                ids = self.variables.get(argument.value.name.value)
                return len(ids) if isinstance(ids, Sequence) else 1
        return 1

    def _node_points(
        self, selected: SelectionSetNode | None, connection: GraphQLNamedType, value: object, sizes: Sizes
    ) -> int:
        """Points of one node of a connection; `edges` and `nodes` name the same nodes, page information is free."""
        most = 0
        for node in selected.selections if selected else ():
            if not isinstance(node, FieldNode) or node.name.value not in ("nodes", "edges"):
                continue
            field = _definition(connection, node.name.value)
            assert field is not None
            rows = value.get(node.name.value) if isinstance(value, Mapping) else None
            row = rows[0] if isinstance(rows, Sequence) and rows else None
            inner = get_named_type(field.type)
            # `edges` wraps its node once more: the wrapping costs nothing.
            most = max(most, self._selections(node.selection_set, inner, row, sizes) + (node.name.value == "nodes"))
        return most

    def _asked_size(self, node: FieldNode, _answer: object) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                if isinstance(argument.value, IntValueNode):
                    return int(argument.value.value)
                if isinstance(argument.value, VariableNode):
                    value = self.variables.get(argument.value.name.value)
                    return value if isinstance(value, int) else 0
        return 0


def _answered_size(_node: FieldNode, answer: object) -> int:
    if not isinstance(answer, Mapping):
        return 0
    rows = answer.get("nodes") or answer.get("edges") or ()
    return len(rows)


def _definition(parent: GraphQLNamedType, name: str) -> GraphQLField | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        field: GraphQLField | None = parent.fields.get(name)
        return field
    return None
