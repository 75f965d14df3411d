"""One request to a webhook: to the address that was checked, under the certificate of the name."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.servers.processes import free_port
from tests.servers.receiver import receiving

from fleetops.operator.webhook_sending import deliver, open_line

HERE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of `localhost`, and of no address, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def of_server(certificate: Path) -> ssl.SSLContext:
    """What the receiver shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize(
    ("host", "trusted", "expected"),
    [("localhost", True, None), ("127.0.0.1", True, "CERTIFICATE_VERIFY"), ("localhost", False, "CERTIFICATE_VERIFY")],
)
async def test_the_certificate_must_be_that_of_the_name(
    certificate: Path, host: str, trusted: bool, expected: str | None
) -> None:
    """Though the connection goes to the address: another name's, or one that nobody vouches for, is refused."""
    ours = ssl.create_default_context(cafile=certificate if trusted else None)
    with receiving(tls=of_server(certificate)) as receiver:
        url = receiver.url.replace("127.0.0.1", host) + "/in"
        async with open_line(ours) as line:
            error = await deliver(line, url, {}, b'{"seq": 1}', networks=HERE, timeout_s=30)
        taken = [request.headers["host"] for request in receiver.taken]
    if expected is None:
        assert (error, taken) == (None, [url.split("/")[2]])
    else:
        assert error is not None
        assert expected in error
        assert taken == []


async def test_what_is_wrong_is_said_in_words() -> None:
    """Nobody listens; no answer in time; an error; a redirect, wherever to; a name that is none."""
    with receiving(["hang", "fail", "redirect", "misdirect", "break", "take"]) as receiver:
        cases = [
            (f"http://127.0.0.1:{free_port()}/", 30.0, "ConnectError"),
            (receiver.url, 1.0, "no answer within 1 s"),
            (receiver.url, 30.0, "answered 500; expected 2xx"),
            (receiver.url, 30.0, "answered 307; expected 2xx"),
            (receiver.url, 30.0, "answered 307; expected 2xx"),
            (receiver.url, 30.0, "RemoteProtocolError"),
            ("https://a..example/", 30.0, "a..example cannot be resolved"),
        ]
        async with open_line() as line:
            for url, timeout_s, expected in cases:
                error = await deliver(line, url, {}, b'{"seq": 1}', networks=HERE, timeout_s=timeout_s)
                assert error is not None
                assert error.startswith(expected), error
            assert await deliver(line, receiver.url, {}, b'{"seq": 1}', networks=HERE, timeout_s=30) is None
        assert {request.path for request in receiver.requests} == {"/"}


async def test_no_connection_is_used_twice() -> None:
    """Many names share an address: what was checked for one of them would not be for the next."""
    with receiving() as receiver:
        async with open_line() as line:
            for _ in range(2):
                assert await deliver(line, receiver.url, {}, b'{"seq": 1}', networks=HERE, timeout_s=30) is None
        first, second = receiver.taken
    assert first.line != second.line
