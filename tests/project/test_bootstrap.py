"""The first command on a fresh machine: `./crossdock` itself, with a stand-in for Python that records what it is asked."""

import os
import re
import signal
import subprocess
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from shutil import copy, copytree, which

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
STAND_IN = """#!/bin/sh
# Answers like Python, does nothing but write down what it was asked.
case "$*" in
*"import venv, ensurepip"*) exit "${STAND_IN_LACKS_VENV:-0}" ;;
*sys.version_info*) exit 0 ;;
"-m venv "*) echo venv >>"$STAND_IN_DIARY"; mkdir -p "$3/bin" "$3/lib"; cp "$0" "$3/bin/python" ;;
"-m pip install"*)
	echo "pip $*" >>"$STAND_IN_DIARY"
	echo "Collecting something"
	tries=0
	while [ -e "$STAND_IN_DIARY.slow" ] && [ $tries -lt 300 ]; do tries=$((tries + 1)); sleep 0.1; done
	exit "${STAND_IN_PIP_EXIT:-0}" ;;
"-m crossdock "*) shift 2; echo "program: $*" ;;
*) echo "unexpected: $*" >&2; exit 9 ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A checkout of the bootstrap alone, on a machine whose only Python is the stand-in."""

    checkout: Path
    diary: Path
    environment: Mapping[str, str]

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.checkout / "crossdock"), *words],
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.checkout / "crossdock"), *words],
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def installs(self) -> list[str]:
        """What pip was asked for, the checkout's own editable install left out."""
        lines = self.diary.read_text().splitlines() if self.diary.exists() else []
        return [line for line in lines if line.startswith("pip") and "--editable" not in line]

    def environments_made(self) -> int:
        return self.diary.read_text().splitlines().count("venv")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    checkout = tmp_path / "a checkout"
    tools = tmp_path / "tools"
    checkout.mkdir()
    tools.mkdir()
    copy(ROOT / "crossdock", checkout)
    copy(ROOT / "pyproject.toml", checkout)
    copytree(ROOT / "requirements", checkout / "requirements")
    stand_in = tools / "python3"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    needed = (
        "sh cat cksum sed grep cut wc tr find mkdir rm mv cp date sleep id dirname basename readlink tail uname env"
    )
    for name in needed.split():
        found = which(name)
        assert found is not None, name
        (tools / name).symlink_to(found)
    diary = tmp_path / "diary"
    environment = {"PATH": str(tools), "HOME": str(tmp_path), "STAND_IN_DIARY": str(diary)}
    return Machine(checkout, diary, environment)


def test_a_verb_of_the_program_gets_its_arguments_unchanged(machine: Machine) -> None:
    ran = machine.run("order", "trace", "A 1", "--json")

    assert ran.stdout == "program: order trace A 1 --json\n"


def test_the_second_start_installs_nothing(machine: Machine) -> None:
    machine.run("up")
    machine.run("up")

    assert len(machine.installs()) == 1
    assert machine.environments_made() == 1


def test_only_files_confirmed_by_their_hashes_are_installed(machine: Machine) -> None:
    machine.run("up")

    (asked,) = machine.installs()
    assert "--require-hashes" in asked
    assert "--only-binary :all:" in asked
    assert asked.endswith("requirements/run.txt")


def test_the_demo_brings_its_own_packages_and_they_serve_the_hub_too(machine: Machine) -> None:
    machine.run("demo")
    machine.run("up")

    (asked,) = machine.installs()
    assert asked.endswith("requirements/demo.txt")


def test_a_changed_lock_is_installed_into_the_environment_that_is_there(machine: Machine) -> None:
    machine.run("up")
    with (machine.checkout / "requirements" / "run.txt").open("a") as lock:
        lock.write("# changed\n")
    machine.run("up")

    assert len(machine.installs()) == 2
    assert machine.environments_made() == 1


def test_a_moved_checkout_is_installed_again(machine: Machine) -> None:
    machine.run("up")
    moved = machine.checkout.rename(machine.checkout.with_name("elsewhere"))
    ran = Machine(moved, machine.diary, machine.environment).run("up")

    assert ran.stdout == "program: up\n"
    assert len(machine.installs()) == 2


def test_a_missing_venv_module_is_one_sentence_that_names_the_package(machine: Machine) -> None:
    ran = machine.run("up", STAND_IN_LACKS_VENV="1")

    assert ran.returncode == 1
    (sentence,) = ran.stderr.splitlines()
    assert "Python's venv module is missing: install it with" in sentence
    assert "apt install python3-venv' and run ./crossdock again." in sentence


def test_a_machine_without_a_fitting_python_is_told_which_ones_fit(machine: Machine) -> None:
    ran = machine.run("up", CROSSDOCK_PYTHON="python2")

    assert ran.returncode == 1
    (sentence,) = ran.stderr.splitlines()
    assert sentence.startswith("Crossdock needs Python 3.11")


def test_a_half_made_environment_is_made_again(machine: Machine) -> None:
    (machine.checkout / ".venv" / "bin").mkdir(parents=True)
    (machine.checkout / ".venv" / "pyvenv.cfg").write_text("left by a power cut\n")
    ran = machine.run("up")

    assert ran.stdout == "program: up\n"
    assert not (machine.checkout / ".venv" / "pyvenv.cfg").exists()


def test_an_interrupted_installation_is_begun_anew_by_the_next_start(machine: Machine) -> None:
    slow = machine.diary.with_name("diary.slow")
    slow.touch()
    interrupted = machine.start("up")
    _await_first_install(machine)
    os.killpg(interrupted.pid, signal.SIGKILL)
    interrupted.communicate()
    slow.unlink()

    ran = machine.run("up")

    assert ran.stdout == "program: up\n"
    assert machine.environments_made() == 2


def test_two_starts_at_once_install_once(machine: Machine) -> None:
    slow = machine.diary.with_name("diary.slow")
    slow.touch()
    first = machine.start("up")
    _await_first_install(machine)
    second = machine.start("up")
    assert second.stderr is not None
    assert "another ./crossdock" in second.stderr.readline()
    slow.unlink()

    assert second.communicate(timeout=60)[0] == "program: up\n"
    assert first.communicate(timeout=60)[0] == "program: up\n"
    assert len(machine.installs()) == 1


def test_a_failed_installation_says_what_to_do_and_is_not_taken_for_done(machine: Machine) -> None:
    ran = machine.run("up", STAND_IN_PIP_EXIT="1")

    assert ran.returncode == 1
    assert "could not be installed" in ran.stderr
    assert "run ./crossdock again" in ran.stderr
    assert machine.run("up").stdout == "program: up\n"


def test_switched_off_assertions_are_refused(machine: Machine) -> None:
    ran = machine.run("up", PYTHONOPTIMIZE="1")

    assert ran.returncode == 1
    assert "PYTHONOPTIMIZE" in ran.stderr
    assert machine.installs() == []


def test_the_command_works_through_a_link_from_anywhere(machine: Machine, tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(machine.checkout / "crossdock")
    ran = subprocess.run(
        [str(link), "up"], env=dict(machine.environment), cwd="/", capture_output=True, text=True, check=False
    )

    assert ran.stdout == "program: up\n"
    assert (machine.checkout / ".venv").is_dir()


def test_help_needs_no_environment(machine: Machine) -> None:
    ran = machine.run("help")

    assert all(f"  {verb}" in ran.stdout for verb in ("demo", "up", "doctor", "test", "lint", "fix", "lock", "bench"))
    assert not (machine.checkout / ".venv").exists()


def test_ci_runs_what_a_person_runs() -> None:
    assert '../crossdock" test' in (ROOT / ".ci" / "run").read_text()


# ---------------------------------------------------------------- the locks


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return {
        canonicalize_name(found[1]): found[2]
        for found in re.finditer(r"^([\w.-]+)==(\S+)(?: ;.*)? \\$", text, re.MULTILINE)
    }


@pytest.mark.parametrize("name", ["run", "demo", "dev"])
def test_a_lock_names_no_place_to_download_from(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()

    assert "://" not in text
    assert not re.search(r"^\s*(-|/)", re.sub(r"^ {4}--hash=\S+( \\)?$", "", text, flags=re.MULTILINE), re.MULTILINE)


@pytest.mark.parametrize("name", ["run", "demo"])
def test_the_locks_agree_on_every_version(name: str) -> None:
    assert _pins(name).items() <= _pins("dev").items()


def test_the_locks_fit_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = {"run": project["dependencies"], "demo": extras["demo"], "dev": extras["dev"]}

    misfits = [
        f"requirements/{name}.txt: {requirement} (run ./crossdock lock)"
        for name, wanted in asked.items()
        for requirement in map(Requirement, wanted)
        if not requirement.specifier.contains(
            _pins(name).get(canonicalize_name(requirement.name), "0"), prereleases=True
        )
    ]
    assert misfits == []


def test_the_locks_are_complete_on_every_platform_and_python_we_promise() -> None:
    platforms = [("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64")]
    pins = _pins("dev")
    missing = {
        f"{name} needs {requirement} on {system} {machine}, Python {version}"
        for name in pins
        for requirement in _requirements_of(name)
        for version in ("3.11", "3.12", "3.13", "3.14")
        for system, title, machine in platforms
        if requirement.marker is not None
        and canonicalize_name(requirement.name) not in pins
        and requirement.marker.evaluate(
            {
                "extra": "",
                "python_version": version,
                "python_full_version": f"{version}.1",
                "sys_platform": system,
                "platform_system": title,
                "platform_machine": machine,
                "os_name": "posix",
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
            }
        )
    }
    assert missing == set()


def _requirements_of(name: str) -> list[Requirement]:
    try:
        found = [Requirement(text) for text in metadata.requires(name) or []]
    except metadata.PackageNotFoundError:  # needed by another platform only
        return []
    return [requirement for requirement in found if "extra" not in str(requirement.marker)]


def _await_first_install(machine: Machine) -> None:
    for _ in range(300):
        if machine.installs():
            return
        time.sleep(0.05)
    pytest.fail("nothing was installed")
