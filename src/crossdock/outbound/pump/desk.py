"""What a pump works with: its connection, the estate's flows, builders and the way news are applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from crossdock.connections.line import Line
from crossdock.connector_kit.model import NO_TIME, Send
from crossdock.estate.model import Flow, FlowKind
from crossdock.outbound.derivation.rules import flow_key
from crossdock.outbound.model import Intent, Terms
from crossdock.outbound.ports import ApplyNews, Builder, StateSource
from crossdock.outbound.pump.rules import Carrier


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One connection's outbound side."""

    line: Line
    flows: Mapping[str, Flow]
    builders: Mapping[str, Builder]
    sources: Mapping[str, StateSource]
    apply_news: ApplyNews
    chance: Random

    @property
    def connection(self) -> str:
        """Its name."""
        return self.line.name

    def send(self, kind: str) -> Send | None:
        """How *kind* travels; None when no flow of the estate carries it here, or the connector cannot."""
        known = any(flow.kind == kind for flow in self.flows.values())
        return self.line.connector.send(kind) if known else None

    def carriers(self) -> Mapping[str, Carrier]:
        """Everything that travels as single intents."""
        sends = [self.send(flow.kind) for flow in self.flows.values()]
        return {
            send.kind: Carrier(batch_max=send.batch_max, serial=send.serial)
            for send in sends
            if send is not None and not send.state
        }

    @property
    def all_serial(self) -> bool:
        """Does every intent need the one serial place?"""
        return all(carrier.serial for carrier in self.carriers().values())

    def state_sends(self) -> Sequence[tuple[Flow, Send, StateSource]]:
        """Everything that is read when it is sent."""
        return [
            (flow, send, self.sources[flow.kind])
            for flow in self.flows.values()
            if (send := self.send(flow.kind)) is not None and send.state and flow.kind in self.sources
        ]

    def is_state(self, kind: str) -> bool:
        """Is *kind* read when it is sent?"""
        send = self.line.connector.send(kind)
        return send is not None and send.state

    def terms(self, intent: Intent) -> Terms:
        """What flow and connector allow; a flow that the estate no longer has leaves its defaults."""
        flow = self.flows.get(intent.flow) or Flow(kind=FlowKind(intent.kind), connection=intent.connection)
        send = self.line.connector.send(intent.kind)
        return Terms(
            settle=NO_TIME if send is None else send.settle,
            probes=send is not None and send.probe is not None,
            attempts_max=flow.attempts_max,
            backoff_s=flow.backoff_s,
            backoff_max_s=flow.backoff_max_s,
        )

    def settles(self) -> Mapping[str, timedelta]:
        """Settle time per kind."""
        return {send.kind: send.settle for send in self.line.connector.sends}


def flows_of(flows: Sequence[Flow], connection: str) -> Mapping[str, Flow]:
    """The estate's flows through one connection, by their key."""
    return {flow_key(flow): flow for flow in flows if flow.connection == connection}
