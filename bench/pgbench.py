"""pgbench committing the same rows, one transaction per order."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psycopg
from bench.cluster import Contender

from crossdock.foundation.postgres import programs
from crossdock.foundation.postgres.binaries import environment

_SAMPLE: Final = """
SELECT encode(m.body, 'escape'), encode(s.wrapped_key, 'hex'), encode(c.sealed, 'hex'), e.payload::text,
       h.charges::text, h.payments::text, encode(h.content_mark, 'hex'), encode(i.digest, 'hex'),
       encode(i.answer, 'hex'), i.api_key::text
  FROM orders.header h
  JOIN eventlog.event e ON e.stream = 'order/' || h.order_id
  JOIN inbound.message m ON m.id = e.causation_id
  JOIN customers.contact c ON c.contact_id = h.contact_id
  JOIN customers.subject s USING (subject_id),
       gateway.idempotency i
 LIMIT 1
"""
_SCRIPT: Final = r"""
\set n random(1, 9000000000000000)
BEGIN;
SELECT digest, status, answer FROM gateway.idempotency WHERE api_key = '{api_key}' AND key = 'key-' || :n::bigint;
INSERT INTO inbound.message (id, connection, route, feed, headers, body, received_at) VALUES (uuidv7(), 'api.bench', 'upload', '/v1/orders', '{{}}', convert_to({body}, 'utf8'), now());
INSERT INTO orders.header (order_id, connection, channel, channel_order_id, number, placed_at, currency, prices_include_tax, total, mode, charges, payments, payment_status, contact_id, address_mark, content_mark, revised_at, payment_at, correlation_id, accepted_at) VALUES (uuidv7(), 'api.web', 'web', 'WEB-' || :n::bigint, '#' || :n::bigint, now(), 'EUR', true, 31.20, 'ship', {charges}, {payments}, 'paid', uuidv7(), '\x{mark}', '\x{mark}', now(), now(), uuidv7(), now()) ON CONFLICT (connection, channel_order_id) DO NOTHING RETURNING order_id, contact_id, correlation_id \gset
INSERT INTO customers.subject (subject_id, connection, identity, wrapped_key) VALUES (:contact_id::uuid, 'api.web', uuid_send(:contact_id::uuid), '\x{wrapped}') ON CONFLICT DO NOTHING;
INSERT INTO customers.contact (contact_id, subject_id, sealed) VALUES (:contact_id::uuid, :contact_id::uuid, '\x{sealed}');
INSERT INTO orders.line (order_id, position, line_id, sku, name, unit_price, discount, taxes, ordered, unplaced) VALUES (:order_id::uuid, 0, '1', 'TEA-EARL-GREY-250', 'Earl Grey, loose, 250 g', 7.90, 0, {tax}, 2, 2), (:order_id::uuid, 1, '2', 'MUG-STONEWARE-350', 'Stoneware mug, 350 ml', 12.50, 2.00, {tax}, 1, 1);
INSERT INTO inventory.unplaced (order_id, line_id, sku, channel, quantity) VALUES (:order_id::uuid, '1', 'TEA-EARL-GREY-250', 'web', 2), (:order_id::uuid, '2', 'MUG-STONEWARE-350', 'web', 1);
INSERT INTO eventlog.event (id, stream, type, schema_version, happened_at, correlation_id, causation_id, source, payload) VALUES (uuidv7(), 'order/' || :order_id::text, 'order.accepted', 1, now(), :correlation_id::uuid, :correlation_id::uuid, 'api.bench', {payload});
INSERT INTO gateway.idempotency (api_key, key, digest, status, answer, created_at) VALUES ('{api_key}', 'key-' || :n::bigint, '\x{digest}', 202, '\x{answer}', now()) ON CONFLICT DO NOTHING;
COMMIT;
"""
"""As few statements as the rows allow; ids are made by the server, which costs less than sending them."""


def script(sample: Contender, folder: Path) -> Path:
    """The transaction with the values of an order that *sample* has stored."""
    with psycopg.connect(sample.dsn) as session:
        row = session.execute(_SAMPLE).fetchone()
    assert row is not None, f"{sample.name} has stored no order yet"
    body, wrapped, sealed, payload, charges, payments, mark, digest, answer, api_key = row
    text = _SCRIPT.format(
        body=_quoted(body),
        wrapped=wrapped,
        sealed=sealed,
        payload=_quoted(payload),
        charges=_quoted(charges),
        payments=_quoted(payments),
        mark=mark,
        digest=digest,
        answer=answer,
        api_key=api_key,
        tax=_quoted('[{"code": "standard", "amount": "1.68", "rate": "19"}]'),
    )
    file = folder / "order.sql"
    file.write_text(text)
    return file


def _quoted(text: str) -> str:
    """A literal in which pgbench finds no variable."""
    return "'" + re.sub(r":(?=[A-Za-z_])", ": ", text.replace("'", "''")) + "'"


def run(contender: Contender, file: Path, *, clients: int, seconds: float) -> float:
    """Orders committed per second."""
    return tps(contender.dsn, file, clients=clients, seconds=seconds)


def tps(dsn: str, file: Path, *, clients: int, seconds: float, options: Sequence[str] = ()) -> float:
    """Transactions per second of a script."""
    command = [str(programs() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=2"]
    ran = subprocess.run(
        [*command, *options, f"--time={max(1, round(seconds))}", f"--file={file}", dsn],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    found = re.search(r"tps = ([\d.]+) \(without initial connection time\)", ran.stdout)
    assert found is not None, ran.stdout
    return float(found[1])
