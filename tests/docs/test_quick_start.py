"""The quick start is followed to the letter: its commands, in its order, in an empty folder, against the hub it starts."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest

from docs.markdown_pages import ROOT, blocks_of

PAGE = ROOT / "docs" / "start" / "quick-start.md"
START_S_MAX = 90.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(command: str, folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """A command of the page that keeps running; ended in good order."""
    with (folder / "hub.log").open("wb") as log:
        hub = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=folder,
            env=dict(environment),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        await_ready(environment["CROSSDOCK_PORT"], hub, folder)
        yield
    finally:
        os.killpg(hub.pid, signal.SIGTERM)
        hub.wait(timeout=60)


def await_ready(port: str, hub: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline_s = time.monotonic() + START_S_MAX
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        gone = hub.poll() is not None or time.monotonic() > deadline_s
        assert not gone, (folder / "hub.log").read_text(errors="replace")
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.skipif(which("bash") is None or which("curl") is None, reason="the page is written for bash and curl")
def test_the_quick_start_works_as_it_is_written(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "crossdock"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crossdock "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    # Whoever spreads tests over processes tells them how wide the terminal is; a pipe has no width.
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("CROSSDOCK_", "COLUMNS"))}
    environment = kept | {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "CROSSDOCK_PORT": str(port),
    }
    blocks = [block for block in blocks_of(PAGE) if block.info[:2] == ("sh", "run")]
    (background,) = (block for block in blocks if "background" in block.info)
    at = blocks.index(background)

    run([block.text for block in blocks[:at]], tmp_path, environment, port)
    with started(background.text.strip(), tmp_path, environment):
        said = run(
            [findings(block.text) if "findings" in block.info else block.text for block in blocks[at + 1 :]],
            tmp_path,
            environment,
            port,
        )

    assert re.search(r'"outcome": ?"accepted"', said)
    assert "LAMP-01" in said, "the held order names the item that nobody knows"
    assert "order_unknown_sku" in said


def findings(block: str) -> str:
    """Its last command reports findings: exit code 1 is as it should be."""
    *before, last = block.strip().splitlines()
    return "\n".join([*before, f"{last} || [ $? = 1 ]"])


def run(blocks: list[str], folder: Path, environment: Mapping[str, str], port: int) -> str:
    script = "\n".join(["set -eu", *blocks]).replace("127.0.0.1:8040", f"127.0.0.1:{port}")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    log = folder / "hub.log"
    assert done.returncode == 0, (
        done.stdout + done.stderr + (log.read_text(errors="replace")[-2000:] if log.exists() else "")
    )
    return done.stdout
