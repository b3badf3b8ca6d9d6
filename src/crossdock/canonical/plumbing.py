"""Facts about the hub's own work: intents, messages, feeds, connections, exceptions."""

from crossdock.canonical.base import Code, Document, Moment, Text


class IntentLanded(Document, frozen=True, tag="intent.landed", tag_field="fact"):
    """The target has it: its document id is stored."""

    intent_id: Code
    kind: Code
    connection: Code
    reference: Code
    subject: Text
    """The business object, e.g. order/019a…"""
    document_id: Code
    landed_at: Moment
    number: Text = ""


class IntentRefused(Document, frozen=True, tag="intent.refused", tag_field="fact"):
    """The target will not have it as it is: sending it again cannot help."""

    intent_id: Code
    kind: Code
    connection: Code
    reference: Code
    subject: Text
    reason: Text
    path: Text = ""


class IntentParked(Document, frozen=True, tag="intent.parked", tag_field="fact"):
    """The intent waits for a cause to be removed: a lookup, an identity, a credential."""

    intent_id: Code
    kind: Code
    connection: Code
    reference: Code
    subject: Text
    cause: Code
    reason: Text


class MessageQuarantined(Document, frozen=True, tag="message.quarantined", tag_field="fact"):
    """A message, or one record in it, cannot be read; kept whole, with the exact place."""

    message_id: Code
    record: int
    connection: Code
    feed: Code
    path: Text
    reason: Text
    subject: Text = ""


class MessageUnmatched(Document, frozen=True, tag="message.unmatched", tag_field="fact"):
    """A record names what nobody has told the hub (an item, a store): it waits with all others that lack the same."""

    message_id: Code
    record: int
    connection: Code
    feed: Code
    path: Text
    reason: Text
    lacks: Text
    """`theirs:sku:4711`, `location:S99`"""
    subject: Text = ""


class MessageOverdue(Document, frozen=True, tag="message.overdue", tag_field="fact"):
    """A record has waited for its parent longer than its clock allows."""

    message_id: Code
    record: int
    connection: Code
    feed: Code
    waits_for: Text


class MessageRejected(Document, frozen=True, tag="message.rejected", tag_field="fact"):
    """A record can be read but cannot be right: it had no effect, and a person is asked."""

    message_id: Code
    record: int
    connection: Code
    feed: Code
    path: Text
    reason: Text
    subject: Text = ""


class MessageSettled(Document, frozen=True, tag="message.settled", tag_field="fact"):
    """A record that a person was asked about is done: applied, repeated, own or dismissed."""

    message_id: Code
    record: int
    connection: Code
    feed: Code
    outcome: Code
    reason: Text = ""


class FileChanged(Document, frozen=True, tag="file.changed", tag_field="fact"):
    """A file was written to after it had been taken: what it holds now was taken as a message of its own."""

    connection: Code
    feed: Code
    file: Text
    """Where it lies below the connection's drop folder."""
    version: int
    """How often it was taken, this time included."""
    message_id: Code
    """The message with what it holds now."""
    follows: Code
    """The message with what it held before."""


class FeedHeard(Document, frozen=True, tag="feed.heard", tag_field="fact"):
    """A feed that was silent speaks again."""

    connection: Code
    feed: Code
    silent_since: Moment


class FeedSilent(Document, frozen=True, tag="feed.silent", tag_field="fact"):
    """A feed that should have spoken has not."""

    connection: Code
    feed: Code
    silent_since: Moment


class ConnectionBroken(Document, frozen=True, tag="connection.broken", tag_field="fact"):
    """Credentials or configuration are wrong: the connection stops until a person acts."""

    connection: Code
    reason: Text


class ConnectionRestored(Document, frozen=True, tag="connection.restored", tag_field="fact"):
    """The connection works again."""

    connection: Code


class ExceptionOpened(Document, frozen=True, tag="exception.opened", tag_field="fact"):
    """A matter needs a person."""

    exception_id: Code
    type: Code
    subject: Text
    owner: Code


class ExceptionClosed(Document, frozen=True, tag="exception.closed", tag_field="fact"):
    """The matter is settled."""

    exception_id: Code
    resolution: Text


class LogMonthDropped(Document, frozen=True, tag="log.month_dropped", tag_field="fact"):
    """A month of the event log was older than its retention and is gone, in good order."""

    month: Text
    """As in `2026_11`."""
    facts: int
    """How many went with it."""
    hash: Text
    """Over its seals, what it left of them, and the month dropped before: evidence that `crossdock log verify` checks."""
