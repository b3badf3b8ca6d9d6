"""Webhooks and uploads: verified, stored raw, acknowledged; decoded afterwards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Final

import msgspec

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import ConnectionName
from crossdock.connector_kit.model import FileDrop
from crossdock.foundation.commit import GroupCommit
from crossdock.gateway.asgi import ASGIScope, Receive, read_body
from crossdock.gateway.grouped import TRANSIENT
from crossdock.gateway.meters import Meters
from crossdock.gateway.patience import PATIENCE_S
from crossdock.gateway.problems import Problem
from crossdock.gateway.retailer import RetailerView
from crossdock.inbound import service as inbound
from crossdock.inbound.model import MessageId, NewMessage, Route

KEPT_HEADERS_MAX: Final = 64
BATCH_MAX: Final = 64
"""Messages may be large: a batch holds all of its own in memory."""


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """The message is on disk."""

    message_id: str


class MessageIntake:
    """Stores raw messages, many per commit."""

    def __init__(self, hub: Hub, retailer: RetailerView, meters: Meters) -> None:
        self._hub = hub
        self._retailer = retailer
        self._meters = meters
        self._commit: GroupCommit[NewMessage, MessageId] = GroupCommit(
            self._store, batch_max=BATCH_MAX, transient=TRANSIENT
        )
        meters.queue("messages", lambda: self._commit.waiting)

    async def webhook(self, connection: str, scope: ASGIScope, receive: Receive) -> Acknowledged:
        """One webhook: 401 when its signature does not match the raw body."""
        connector, settings = await self._retailer.connector(connection)
        if connector.webhooks is None:
            raise Problem("not-found", f'connection "{connection}" has no webhooks')
        headers = dict(scope["headers"])
        body = await read_body(scope, receive, headers, connector.webhooks.body_max)
        names = _texts(headers)
        if not connector.webhooks.verify(body, names, settings):
            raise Problem("bad-signature", "the body was not signed with this connection's secret")
        topic = connector.webhooks.topic_of(names)
        return await self._keep(connection, Route.WEBHOOK, topic, body, names)

    async def upload(self, connection: str, feed: str, scope: ASGIScope, receive: Receive) -> Acknowledged:
        """One uploaded file or batch, as a store or partner posts it."""
        connector, _ = await self._retailer.connector(connection)
        headers = dict(scope["headers"])
        names = _texts(headers)
        chosen = _upload(connector.uploads, feed, names.get("content-type", ""))
        if chosen is None:
            known = ", ".join(f"{upload.name} ({upload.pattern})" for upload in connector.uploads) or "none"
            raise Problem("unsupported-media-type", f'connection "{connection}" takes these uploads: {known}')
        body = await read_body(scope, receive, headers, chosen.size_max)
        return await self._keep(connection, Route.UPLOAD, chosen.name, body, names)

    async def close(self) -> None:
        """Finish what is waiting."""
        await self._commit.close()

    async def _keep(
        self, connection: str, route: Route, feed: str, body: bytes, headers: Mapping[str, str]
    ) -> Acknowledged:
        kept = {name: value for name, value in headers.items() if name != "authorization"}
        message = NewMessage(connection=ConnectionName(connection), route=route, feed=feed, body=body, headers=kept)
        return Acknowledged(message_id=str(await self._commit.submit(message)))

    async def _store(self, messages: Sequence[NewMessage]) -> Sequence[MessageId]:
        began = self._hub.clock.monotonic()
        try:
            async with self._hub.database.transaction(patience_s=PATIENCE_S) as tx:
                ids = await inbound.receive(tx, self._hub.vault, messages, now=self._hub.clock.now())
        except BaseException as error:
            self._meters.failed("messages", error, self._hub.clock.monotonic())
            raise
        self._meters.committed("messages", len(messages), self._hub.clock.monotonic() - began)
        for route, count in Counter(message.route.value for message in messages).items():
            self._meters.taken("messages", route, count)
        self._hub.hints.ring()
        return ids


def _texts(headers: Mapping[bytes, bytes]) -> Mapping[str, str]:
    if len(headers) > KEPT_HEADERS_MAX:
        raise Problem("too-large", f"at most {KEPT_HEADERS_MAX} headers")
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers.items()}


def _upload(uploads: Sequence[FileDrop], feed: str, content_type: str) -> FileDrop | None:
    """By name when one is given, else by content type."""
    kind = content_type.partition(";")[0].strip().lower()
    for upload in uploads:
        if (feed and upload.name == feed) or (not feed and fnmatch(kind, upload.pattern)):
            return upload
    return None
