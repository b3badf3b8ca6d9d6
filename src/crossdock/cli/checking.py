"""Looking at a connection's live account; whatever goes wrong is itself a finding."""

import asyncio
from dataclasses import replace
from typing import Final

from crossdock.assembly.hub import Hub
from crossdock.assembly.sessions import UnknownConnectionError, open_connection
from crossdock.connections.settings import SettingUnusableError
from crossdock.connector_kit.model import Finding
from crossdock.connector_kit.record import Undecodable
from crossdock.connector_kit.verdict import CallFailed, LookupMissing, Unmatched
from crossdock.estate.model import ConnectionConfig

CHECK_S_MAX: Final = 60.0


async def look_at(parts: Hub, config: ConnectionConfig) -> list[Finding]:
    """Everything that the connector looks at; subjects begin with the connection's name."""
    found: list[Finding] = []
    try:
        async with asyncio.timeout(CHECK_S_MAX), open_connection(parts, config) as line:
            if line.connector.check is not None:
                async for finding in line.connector.check(line.session):
                    found.append(_named(config.name, finding))  # noqa: PERF401 (what came before a failure is kept)
    except (SettingUnusableError, UnknownConnectionError) as error:
        found.append(_bad(config.name, str(error), "Correct the estate, or set what it refers to."))
    except CallFailed as failure:
        todo = "Is the other system up, and are address and credentials right?"
        found.append(_bad(config.name, failure.reason, todo))
    except Undecodable as error:
        found.append(_bad(config.name, f"its answer is not understood: {error}", "Is this the right address?"))
    except (LookupMissing, Unmatched) as error:
        found.append(_bad(config.name, str(error), "Add it to the estate, or match it."))
    except TimeoutError:
        found.append(_bad(config.name, f"no answer within {CHECK_S_MAX:g} s", "Is the other system up?"))
    if not found:
        found.append(
            Finding(subject=config.name, ok=True, text="its settings are complete; there is no account to ask")
        )
    return found


def _named(name: str, finding: Finding) -> Finding:
    return replace(finding, subject=f"{name}: {finding.subject}")


def _bad(name: str, text: str, todo: str) -> Finding:
    return Finding(subject=name, ok=False, text=text, todo=todo)
