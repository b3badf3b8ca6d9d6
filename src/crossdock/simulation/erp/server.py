"""The serving process: gunicorn in Tryton's own environment, on a port of its own, ended when we end."""

import asyncio
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crossdock.simulation.erp import lifeline
from crossdock.simulation.erp.environment import Environment, plain_environment
from crossdock.simulation.erp.errors import ErpError
from crossdock.simulation.erp.rpc import Rpc

ADMIN: Final = "admin"
HUB: Final = "crossdock"
"""The hub's own user: what it makes in the ERP is recognised by it."""
PASSWORD: Final = "rehearsal-only"  # noqa: S105 (no secret: the ERP of a rehearsal, on 127.0.0.1)
_PROCESSES: Final = "2"
_THREADS: Final = "4"
_STOP_S: Final = 15.0
_FIRST_ANSWER_S: Final = 90.0


def write_config(path: Path, database_url: str) -> None:
    """Tryton's settings. Caches are told of changes at once: by default another process may answer stale for minutes."""
    path.write_text(f"[database]\nuri = {database_url}\n[cache]\nclean_timeout = 0\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to serve, and where to write."""

    environment: Environment
    config: Path
    database: str
    log: Path


class Server:
    """Starts and stops as often as wanted; the port stays the same."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    @property
    def running(self) -> bool:
        """True between a start and the next stop."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Return when log-ins are answered."""
        assert not self.running, "already started"
        plan = self._plan
        # The socket listens before the server exists, so a first call waits in its queue and nobody has to poll.
        with socket.create_server(("127.0.0.1", self.port)) as listening, plan.log.open("ab") as log:
            self.port = int(listening.getsockname()[1])
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", lifeline.__file__, str(plan.environment.gunicorn),
                "--workers", _PROCESSES, "--threads", _THREADS, "--no-control-socket", "--graceful-timeout", "5",
                "--timeout", "120", "--keep-alive", "75", "--bind", f"fd://{listening.fileno()}", "trytond.application:app",
                stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log, pass_fds=[listening.fileno()],
                env={
                    **plain_environment(),
                    "TRYTOND_CONFIG": str(plan.config),
                    "TRYTOND_DATABASE_NAMES": plan.database,
                },
                cwd=plan.config.parent, start_new_session=True,
            )  # fmt: skip
        try:
            await self._first_answer()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Calls under way are finished (up to five seconds), then connections are refused. Safe to call twice."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _first_answer(self) -> None:
        assert self._process is not None
        answer = asyncio.create_task(asyncio.to_thread(self._log_in_once))
        ended = asyncio.create_task(self._process.wait())
        done, _ = await asyncio.wait({answer, ended}, timeout=_FIRST_ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        if answer not in done:
            raise ErpError(f"Tryton did not start: see {self._plan.log}.")
        ended.cancel()
        answer.result()

    def _log_in_once(self) -> None:
        Rpc(self.port, self._plan.database, ADMIN, PASSWORD)
