"""A hub that cannot run says why and what to do, in one sentence, and ends with exit code 2."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg.conninfo import make_conninfo

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.migrations import apply_migrations
from crossdock.foundation.postgres import ConnectionInfo
from e2e.databases import fresh_database
from e2e.retailer import API_CHANNEL, RETAILER, write_estate
from e2e.running import hub_in, refusal

PASSWORD = "hunter-twenty-two"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


async def test_a_taken_port_is_named(tmp_path: Path, taken: int) -> None:
    said = await refusal(tmp_path, CROSSDOCK_PORT=str(taken))

    assert said == f"Port {taken} on 127.0.0.1 is taken by another program: stop it, or set CROSSDOCK_PORT."
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("port", ["loud", "70000"])
async def test_a_port_that_is_none_is_named(tmp_path: Path, port: str) -> None:
    assert f"CROSSDOCK_PORT is {port}" in (await refusal(tmp_path, CROSSDOCK_PORT=port)).replace('"', "")


async def test_an_address_that_is_not_ours_is_named(tmp_path: Path) -> None:
    assert "CROSSDOCK_HOST" in await refusal(tmp_path, CROSSDOCK_HOST="no-such-host.invalid")


async def test_a_log_level_that_is_none_is_named(tmp_path: Path) -> None:
    assert "CROSSDOCK_LOG_LEVEL" in await refusal(tmp_path, CROSSDOCK_LOG_LEVEL="loud")


@pytest.mark.parametrize("home", ["a-file", "a-file/below", "/dev/null/home"])
async def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path, home: str) -> None:
    (tmp_path / "a-file").touch()

    said = await refusal(tmp_path, CROSSDOCK_HOME=str(tmp_path / home))

    assert home in said
    assert "CROSSDOCK_HOME" in said


async def test_data_of_another_postgresql_are_left_alone(tmp_path: Path) -> None:
    cluster = tmp_path / "home/postgres/cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("14\n")

    said = await refusal(tmp_path)

    assert "PostgreSQL 14" in said
    assert "crossdock backup" in said
    assert [file.name for file in cluster.iterdir()] == ["PG_VERSION"]


async def test_data_of_a_newer_release_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "home/postgres").mkdir(parents=True)
    (tmp_path / "home/postgres/folder.json").write_text('{"format": 99}')

    assert "newer Crossdock" in await refusal(tmp_path)


async def test_a_damaged_master_key_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    key = tmp_path / "home/master.key"
    key.write_text("not a key\n")
    key.chmod(0o600)

    assert "restore it from its backup" in await refusal(tmp_path)
    assert key.read_text() == "not a key\n"


@pytest.mark.parametrize("part", ["gateway", "worker"])
async def test_a_part_without_a_hub_says_what_it_needs(tmp_path: Path, part: str) -> None:
    assert "crossdock up" in await refusal(tmp_path, part)


async def test_an_estate_with_a_typo_is_refused_with_its_line(tmp_path: Path) -> None:
    write_estate(tmp_path / "estate", retailer=RETAILER, channels=API_CHANNEL.replace("currency", "curency"))

    said = await refusal(tmp_path)

    assert "channels.yaml:2" in said
    assert "curency" in said


# --- the retailer's own database ---


async def test_a_database_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    said = await refusal(tmp_path, CROSSDOCK_DATABASE_URL=f"postgresql://hub:{PASSWORD}@127.0.0.1:1/hub")

    assert "cannot be reached" in said
    assert PASSWORD not in said


@pytest.mark.parametrize("url", [f"postgresql//hub:{PASSWORD}@127.0.0.1/hub", "hub", "postgresql://h:x@[::1/hub"])
async def test_a_database_url_that_is_none_is_not_repeated(tmp_path: Path, url: str) -> None:
    said = await refusal(tmp_path, CROSSDOCK_DATABASE_URL=url)

    assert "CROSSDOCK_DATABASE_URL" in said
    assert PASSWORD not in said


async def test_a_database_that_may_forget_is_refused(tmp_path: Path, dsn: str) -> None:
    assert "fsync=off" in await refusal(tmp_path, CROSSDOCK_DATABASE_URL=dsn)


async def test_a_database_of_a_newer_release_is_refused(tmp_path: Path, own_server: ConnectionInfo) -> None:
    with fresh_database(own_server) as dsn:
        apply_migrations(dsn)
        with psycopg.connect(dsn) as session:
            session.execute("INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('f00', 'of 2031')")

        assert "newer Crossdock" in await refusal(tmp_path, CROSSDOCK_DATABASE_URL=dsn)


async def test_a_database_user_without_rights_is_told_which(tmp_path: Path, own_server: ConnectionInfo) -> None:
    foreign = make_conninfo(own_server.dsn, dbname="postgres")

    assert "GRANT" in await refusal(tmp_path, CROSSDOCK_DATABASE_URL=foreign)


# --- TLS ---


class Certificate:
    """A self-signed one for 127.0.0.1, as files."""

    def __init__(self, folder: Path, *, phrase: bytes = b"") -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
        now = SYSTEM_CLOCK.now()
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        folder.mkdir(exist_ok=True)
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        closed = serialization.BestAvailableEncryption(phrase) if phrase else serialization.NoEncryption()
        self.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, closed))


async def test_tls_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    good, other = Certificate(tmp_path / "good"), Certificate(tmp_path / "other")
    locked = Certificate(tmp_path / "locked", phrase=b"secret")
    absent = tmp_path / "absent.pem"
    cases = (
        (absent, good.key, "There is no file"),
        (good.certificate, absent, "CROSSDOCK_TLS_KEY"),
        (good.certificate, other.key, "belong together"),
        (good.key, good.key, "CROSSDOCK_TLS_CERTIFICATE"),
        (locked.certificate, locked.key, "pass phrase"),
    )
    told = await asyncio.gather(
        *(
            refusal(tmp_path, CROSSDOCK_TLS_CERTIFICATE=str(certificate), CROSSDOCK_TLS_KEY=str(key))
            for certificate, key, _ in cases
        )
    )
    assert [named for (_, _, named), said in zip(cases, told, strict=True) if named not in said] == []


async def test_a_key_without_a_certificate_does_not_mean_plain_http(tmp_path: Path) -> None:
    key = Certificate(tmp_path / "good").key

    assert "CROSSDOCK_TLS_CERTIFICATE" in await refusal(tmp_path, CROSSDOCK_TLS_KEY=str(key))


async def test_with_both_files_the_api_speaks_https_only(tmp_path: Path) -> None:
    files = Certificate(tmp_path / "tls")
    settings = {"CROSSDOCK_TLS_CERTIFICATE": str(files.certificate), "CROSSDOCK_TLS_KEY": str(files.key)}
    async with hub_in(tmp_path, settings, trust=files.certificate) as hub:
        await hub.start()
        alive = await hub.ask("GET", "/healthz")
        del hub.environment["CROSSDOCK_TLS_CERTIFICATE"]
        plain = await hub.ask("GET", "/healthz")

    assert alive is not None
    assert alive.text == "alive\n"
    assert plain is None
