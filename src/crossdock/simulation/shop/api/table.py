"""How GraphQL fields are answered: one table per type, field name → function of the source and the call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from graphql import GraphQLError

from crossdock.simulation.shop.books import Books
from crossdock.simulation.shop.shop import Shop

S = TypeVar("S")
GID_PREFIX: Final = "gid://shopify/"


class Arguments:
    """A field's arguments or an input object, already of the schema's types; absent and null are different things."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values: Final = values

    def has(self, name: str) -> bool:
        """Was it given, be it as null?"""
        return name in self.values

    def text(self, name: str) -> str:
        """Text that the schema requires."""
        value = self.values[name]
        assert isinstance(value, str), (name, value)
        return value

    def text_or_none(self, name: str) -> str | None:
        """Text, or None when absent or null."""
        value = self.values.get(name)
        assert value is None or isinstance(value, str), (name, value)
        return value

    def whole(self, name: str) -> int:
        """A whole number that the schema requires."""
        value = self.values[name]
        assert isinstance(value, int), (name, value)
        return value

    def whole_or_none(self, name: str) -> int | None:
        """A whole number, or None when absent or null."""
        value = self.values.get(name)
        assert value is None or isinstance(value, int), (name, value)
        return value

    def flag(self, name: str) -> bool:
        """True only when given as true."""
        return self.values.get(name) is True

    def texts(self, name: str) -> tuple[str, ...]:
        """Texts; none when absent or null."""
        value = self.values.get(name)
        if value is None:
            return ()
        assert isinstance(value, Sequence), (name, value)
        return tuple(str(each) for each in value)

    def record(self, name: str) -> "Arguments":
        """An input object that the schema requires."""
        return _record(self.values[name])

    def record_or_none(self, name: str) -> "Arguments | None":
        """An input object, or None when absent or null."""
        value = self.values.get(name)
        return None if value is None else _record(value)

    def records(self, name: str) -> tuple["Arguments", ...]:
        """Input objects; none when absent or null."""
        value = self.values.get(name)
        if value is None:
            return ()
        assert isinstance(value, Sequence), (name, value)
        return tuple(_record(each) for each in value)


def _record(value: object) -> Arguments:
    assert isinstance(value, Mapping), value
    return Arguments(value)


@dataclass(frozen=True, slots=True)
class Call:
    """What a field may know besides its source."""

    shop: Shop
    arguments: Arguments
    idempotency_key: str | None
    """From `@idempotent` on this field."""
    failing: bool
    """A fault breaks this call from within."""

    @property
    def books(self) -> Books:
        """The shop's books."""
        return self.shop.books


Answer = Callable[[object, Call], object]
Table = Mapping[str, Answer]


def table(owner: type[S], fields: Mapping[str, Callable[[S, Call], object]]) -> Table:
    """The fields of one GraphQL type whose source is an *owner*."""

    def erased(field: Callable[[S, Call], object]) -> Answer:
        def answer(source: object, call: Call) -> object:
            assert isinstance(source, owner), (source, owner)
            return field(source, call)

        return answer

    return {name: erased(field) for name, field in fields.items()}


def gid_number(kind: str, text: str) -> int | None:
    """The number of a global id, or None when it is not one of *kind*."""
    number = text.removeprefix(f"{GID_PREFIX}{kind}/").partition("?")[0]
    return int(number) if text.startswith(f"{GID_PREFIX}{kind}/") and number.isdecimal() else None


def bad_request(message: str, code: str = "BAD_REQUEST") -> GraphQLError:
    """An error of the call itself, as the vendor marks it."""
    return GraphQLError(message, extensions={"code": code})
