"""Bodies of the framework's routes, read like those of the hot ones: one reader, one set of answers."""

from functools import cache
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.datastructures import State

from crossdock.gateway.asgi import decode
from crossdock.gateway.problems import Problem

Document = TypeVar("Document")


class DocumentRequest(Request[Any, Any, State]):
    """A request whose `data`, where its route takes one, is read strictly."""

    async def body(self) -> bytes:
        """As it came; a route that takes a document gets one."""
        body = await super().body()
        if self.route_handler.parsed_data_field is not None and not body.strip():
            raise Problem("malformed", "the body is empty: send a JSON object")
        return body

    async def json(self) -> object:
        """The route's document; Problem that names everything that does not fit."""
        wanted = self.route_handler.parsed_data_field
        assert wanted is not None, self.route_handler
        return decode(await self.body(), _decoder(wanted.annotation))


@cache
def _decoder(kind: type[Document]) -> "msgspec.json.Decoder[Document]":
    return msgspec.json.Decoder(kind)
