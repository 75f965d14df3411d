"""Where webhooks may lead, and how their events are signed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import threading
from ipaddress import ip_address, ip_network

import pytest

from fleetops.errors import InvalidRequestError
from fleetops.operator.webhook_signature import new_webhook_secret, signed_headers
from fleetops.operator.webhook_targets import allowed, find_target, parse_url
from fleetops.operator.webhooks import pause_s

OURS = (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::10.0.0.1", "::ffff:0:10.0.0.1", "fec0::1", "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:1::1",
    ],
)  # fmt: skip
def test_what_is_not_public_is_closed(address: str) -> None:
    """Loopback, private, link-local (a cloud's metadata), shared, multicast, and all that hides one of them."""
    assert not allowed(ip_address(address), ())


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::", "::ffff:93.184.216.34"])
def test_what_is_public_is_open(address: str) -> None:
    """As IPv4, IPv6 and IPv4 written as IPv6."""
    assert allowed(ip_address(address), ())


@pytest.mark.parametrize(
    ("address", "is_open"), [("10.1.2.3", True), ("10.2.0.1", False), ("fd12::1", True), ("::ffff:10.1.2.3", True)]
)
def test_what_the_settings_name_is_open(address: str, is_open: bool) -> None:
    """That network and no other."""
    assert allowed(ip_address(address), OURS) is is_open


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "https://", "https:///path", "https://user:word@example.com/", "https://example.com/#x",
        "https://example.com:99999/", "https://example.com:0/", "https://exa mple.com/", "https://ex\u00e4mple.com/",
        "//example.com", "javascript:alert(1)", "https://[::1", "https://example.com/\n",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    """Other schemes, no host, credentials, fragments, and what only looks like a URL."""
    with pytest.raises(InvalidRequestError):
        parse_url(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://localhost/"]
)
async def test_a_name_is_judged_by_where_it_leads(url: str) -> None:
    """However loopback is spelled."""
    with pytest.raises(InvalidRequestError, match="FLEETOPS_OPERATOR__WEBHOOK_NETWORKS"):
        await find_target(url, OURS)


async def test_a_public_host_needs_https() -> None:
    """An address as a name, so that nothing is looked up; its https is fine."""
    with pytest.raises(InvalidRequestError, match="needs https"):
        await find_target("http://93.184.216.34/hook", ())
    target = await find_target("https://93.184.216.34/hook", ())
    assert (target.addresses, target.port) == ((ip_address("93.184.216.34"),), 443)


async def test_an_allowed_network_may_do_without_https() -> None:
    """With its port, and the very address that was checked."""
    target = await find_target("http://127.0.0.1:8080/hook?x=1", (ip_network("127.0.0.0/8"),))
    assert (target.addresses, target.port, target.url.path) == ((ip_address("127.0.0.1"),), 8080, "/hook")


async def test_a_name_server_that_hangs_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty lookups that do not end leave asyncio's own threads, which the relay needs, free."""
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(120) and [])
    lookups = [asyncio.create_task(find_target(f"https://{n}.example/", ())) for n in range(50)]
    try:
        async with asyncio.timeout(40):
            await asyncio.sleep(0)
            assert await asyncio.to_thread(threading.active_count) > len(lookups)
    finally:
        released.set()
        await asyncio.gather(*lookups, return_exceptions=True)


def test_a_signature_is_that_of_standard_webhooks() -> None:
    """The example of the specification's own libraries: same secret, id, time and body, same signature."""
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_secret_is_another() -> None:
    """32 random bytes, which sign as they are."""
    one, other = new_webhook_secret(), new_webhook_secret()
    assert one != other
    key = base64.b64decode(one.removeprefix("whsec_"))
    assert len(key) == 32
    expected = base64.b64encode(hmac.new(key, b"a.1.body", hashlib.sha256).digest()).decode()
    assert signed_headers(one, "a", 1, b"body")["webhook-signature"] == f"v1,{expected}"


def test_pauses_grow_to_five_minutes() -> None:
    """1 s, doubled with each failure; a receiver that is away for days is still asked."""
    assert [pause_s(failures) for failures in (1, 2, 3, 9, 10, 5_000)] == [1, 2, 4, 256, 300, 300]
