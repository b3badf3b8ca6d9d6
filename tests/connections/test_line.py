"""A line over real HTTP: questions with a deadline, long answers whole, secrets unseen."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import pytest
from aiohttp import web

from crossdock.canonical.base import ConnectionName
from crossdock.connections.line import Line, ask, open_line
from crossdock.connections.model import Account, NoAnswer
from crossdock.connector_kit.model import Connector, Limits, Role, Setting
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, LookupMissing, Verdict
from crossdock.foundation.clock import SYSTEM_CLOCK

SECRET = "s3cr3t-canary"
LONG = b"x" * 3_000_000


class Nobody:
    """Identities that know none."""

    async def theirs(self, kind: str, ours: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    async def ours(self, kind: str, theirs: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    async def document(self, kind: str, reference: str) -> str | None:  # noqa: ARG002
        return None


CONNECTOR = Connector(
    name="small",
    title="",
    role=Role.ERP,
    summary="",
    settings=(Setting(name="url", title="", help=""), Setting(name="password", title="", help="", secret=True)),
    limits=Limits(requests_per_s=1000, burst=100, concurrency=4),
)


ANSWERS: Final[Mapping[str, Callable[[], web.Response]]] = {
    "/": lambda: web.Response(text="42"),
    "/slow": lambda: web.Response(text="late"),
    "/long": lambda: web.Response(body=LONG),
    "/busy": lambda: web.Response(status=429, headers={"Retry-After": "120"}),
    "/elsewhere": lambda: web.Response(status=302, headers={"Location": "/long"}),
}


async def answer(request: web.Request) -> web.Response:
    if request.path == "/slow":
        await SYSTEM_CLOCK.sleep(30)
    return ANSWERS[request.path]()


@asynccontextmanager
async def open_to_server() -> AsyncIterator[Line]:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    account = Account(
        name=ConnectionName("erp"),
        settings={"url": f"http://127.0.0.1:{runner.addresses[0][1]}/", "password": "${PW}"},
        lookups={"tax": {"full": "20"}},
    )
    try:
        async with open_line(CONNECTOR, account, Nobody(), environment={"PW": SECRET}) as line:
            yield line
    finally:
        await runner.cleanup()


async def test_an_answered_question_gives_its_answer() -> None:
    async def question(session: Session) -> int:
        return int((await session.http.send("GET", "/")).body)

    async with open_to_server() as line:
        assert await ask(line, question, within_s=30) == 42


async def test_nobody_waits_longer_for_an_answer_than_they_said() -> None:
    async def question(session: Session) -> bytes:
        return (await session.http.send("GET", "/slow")).body

    async with open_to_server() as line, asyncio.timeout(20):
        said = await ask(line, question, within_s=0.1)

    assert said == NoAnswer(reason="erp did not answer within 0.1 s")


async def test_a_question_that_fails_is_no_answer_with_its_reason() -> None:
    async def refused(_: Session) -> int:
        raise CallFailed(Verdict.REFUSED, "no such customer")

    async def unmapped(session: Session) -> str:
        return session.lookup("tax", "none")

    async with open_to_server() as line:
        assert await ask(line, refused, within_s=5) == NoAnswer(reason="erp: refused: no such customer")
        assert isinstance(await ask(line, unmapped, within_s=5), NoAnswer)


async def test_a_long_answer_is_read_to_its_end() -> None:
    async with open_to_server() as line:
        assert (await line.session.http.send("GET", "/long")).body == LONG


async def test_a_redirect_is_an_answer_not_an_order() -> None:
    async with open_to_server() as line:
        assert (await line.session.http.send("GET", "/elsewhere")).status == 302


async def test_a_throttled_answer_pauses_the_whole_connection() -> None:
    async with open_to_server() as line:
        await line.session.http.send("GET", "/busy")

        assert line.allowance.paused_s() > timedelta(seconds=100).total_seconds()


async def test_secrets_do_not_show_in_what_is_printed() -> None:
    async with open_to_server() as line:
        assert line.session.settings["password"] == SECRET
        assert SECRET not in repr(line.session)


async def test_new_code_tables_count_from_the_next_call_on() -> None:
    async with open_to_server() as line:
        line.adopt({"tax": {"reduced": "5"}})

        assert line.session.lookup("tax", "reduced") == "5"
        with pytest.raises(LookupMissing, match="full"):
            line.session.lookup("tax", "full")
