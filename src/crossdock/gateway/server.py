"""Listening: one socket of ours, so that a taken port is one clear sentence, and an orderly end under load."""

import asyncio
import contextlib
import errno
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn

from crossdock.foundation.settings import SettingError, Settings
from crossdock.gateway.asgi import ASGIApp

BACKLOG: Final = 2048
GRACE_S: Final = 8
COLLECT_AFTER: Final = 20_000
"""New objects between two collections: the default of 700 spent a tenth of the gateway's time on them."""
PORT_MAX: Final = 65_535


class ListenError(SettingError):
    """The API cannot listen where its settings say; the text says why and what to do."""


class _Server(uvicorn.Server):
    """Leaves signals to the process: one place decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing to capture."""
        yield


def listen(settings: Settings) -> socket.socket:
    """The socket of CROSSDOCK_HOST and CROSSDOCK_PORT; what cannot be served is refused before anything is started."""
    if not 0 <= settings.port <= PORT_MAX:
        raise ListenError(f"CROSSDOCK_PORT is {settings.port} but must be between 0 and {PORT_MAX}; correct it.")
    _check_tls(settings)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    where = f"{settings.host}:{settings.port}"
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ListenError(
                f"Port {settings.port} on {settings.host} is taken by another program: stop it, or set CROSSDOCK_PORT."
            ) from None
        if error.errno == errno.EACCES:
            raise ListenError(f"This user may not listen on {where}: use a port above 1023.") from None
        raise ListenError(f"Cannot listen on {where} ({error.strerror}): correct CROSSDOCK_HOST.") from None
    listener.setblocking(False)  # noqa: FBT003 (the socket module's own signature)
    return listener


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket, settings: Settings) -> AsyncIterator[None]:
    """Serve while inside; on leaving, finish requests in flight (at most eight seconds)."""
    _settle_memory()
    server = _Server(_config(app, settings))
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        while not server.started and not task.done():
            await asyncio.wait([task], timeout=0.01)
        if task.done():
            raise ListenError(f"The HTTP server ended while starting: {task.exception() or 'see the log'}.")
        yield
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        listener.close()


def _settle_memory() -> None:
    """What is there now stays: the collector need not walk through it again and again while orders come in."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 100)


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    tls: dict[str, Any] = {}
    if settings.tls_certificate is not None:
        tls = {"ssl_certfile": settings.tls_certificate, "ssl_keyfile": settings.tls_key}
    return uvicorn.Config(
        app,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # a caller beside us would choose the address that it is told of by
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_S,
        **tls,
    )


def _check_tls(settings: Settings) -> None:
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None:
        if key is not None:
            raise ListenError(
                "CROSSDOCK_TLS_KEY is set without CROSSDOCK_TLS_CERTIFICATE: set both for HTTPS, or neither for HTTP."
            )
        return
    for name, file in (("CROSSDOCK_TLS_CERTIFICATE", certificate), ("CROSSDOCK_TLS_KEY", key)):
        if file is not None and not file.is_file():
            raise ListenError(f"There is no file {file}: correct {name}.")
    try:
        # A key with a pass phrase would make OpenSSL ask for it on the terminal: an empty one is refused instead.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise ListenError(
            f"The TLS files cannot be used ({error}): correct CROSSDOCK_TLS_CERTIFICATE and CROSSDOCK_TLS_KEY (PEM files "
            "that belong together, the key without a pass phrase)."
        ) from None
