"""The provider's keys: which signatures count, and how often strangers can make us ask for them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, OctKey, OKPKey, RSAKey
from pydantic import JsonValue

from fleetops.auth.oidc.keys import KEPT_S, REFETCH_S, SIGNATURES, Keys, read_keys
from fleetops.errors import AuthenticationError, UpstreamError

FIRST, SECOND, ENCRYPTING = (
    RSAKey.generate_key(2048, {"kid": kid, "use": use}) for kid, use in (("1", "sig"), ("2", "sig"), ("3", "enc"))
)
CURVE = ECKey.generate_key("P-256", {"kid": "4"})
SHARED = OctKey.import_key("a secret that is published by mistake", {"kid": "5"})


@dataclass
class Publisher:
    """A provider that publishes keys, and a clock."""

    keys: list[Key]
    asked: int = 0
    now_s: float = 0.0
    away: bool = False
    seen: Keys = field(init=False)

    def __post_init__(self) -> None:
        """Make the keeper of its keys."""
        self.seen = Keys(self.publish, lambda: self.now_s)

    async def publish(self) -> KeySet:
        """What it publishes now."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise UpstreamError("away")
        return KeySet(list(self.keys))


def signed(key: Key, algorithm: str = "RS256", **header: str) -> str:
    """A token of this key."""
    return jwt.encode({"alg": algorithm, **header}, {"sub": "7"}, key, algorithms=[algorithm])


async def test_a_published_keys_signature_counts_whatever_its_kind() -> None:
    """With the key's name in the header or without."""
    provider = Publisher([FIRST, SECOND, CURVE])
    for token in (signed(FIRST, kid="1"), signed(SECOND, kid="2"), signed(SECOND), signed(CURVE, "ES256", kid="4")):
        assert (await provider.seen.verify(token, SIGNATURES)).claims == {"sub": "7"}
    assert provider.asked == 1


async def test_a_rotated_key_is_asked_for_and_the_old_one_forgotten() -> None:
    """The first token of the new key brings it; from then on the old one opens nothing."""
    provider = Publisher([FIRST])
    await provider.seen.verify(signed(FIRST, kid="1"), SIGNATURES)
    provider.keys, provider.now_s = [SECOND], REFETCH_S
    await provider.seen.verify(signed(SECOND, kid="2"), SIGNATURES)
    with pytest.raises(AuthenticationError):
        await provider.seen.verify(signed(FIRST, kid="1"), SIGNATURES)


async def test_a_key_that_was_withdrawn_is_trusted_ten_minutes_at_most() -> None:
    """Also when no other key ever comes by."""
    provider = Publisher([FIRST])
    await provider.seen.verify(signed(FIRST, kid="1"), SIGNATURES)
    provider.keys, provider.now_s = [], KEPT_S
    with pytest.raises(AuthenticationError):
        await provider.seen.verify(signed(FIRST, kid="1"), SIGNATURES)


async def test_strangers_cannot_make_us_ask_without_end() -> None:
    """A thousand tokens that name unknown keys, at once and after another: one question in ten seconds."""
    provider = Publisher([FIRST])
    tokens = [signed(SECOND, kid=str(number)) for number in range(100)]
    answers = await asyncio.gather(
        *(provider.seen.verify(token, SIGNATURES) for token in tokens), return_exceptions=True
    )
    assert all(isinstance(answer, AuthenticationError) for answer in answers)
    assert provider.asked == 1
    provider.now_s = REFETCH_S
    for token in tokens:
        with pytest.raises(AuthenticationError):
            await provider.seen.verify(token, SIGNATURES)
    assert provider.asked == 2


@pytest.mark.parametrize(
    "token",
    ["", "a", "a.b.c", "....", "e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "ä.b.c", "x" * 70_000, "eyJhbGciOjF9.e30.x"],
    ids=lambda token: token[:20],
)
async def test_nonsense_is_refused_before_anyone_is_asked(token: str) -> None:
    """And so is a token without a signature."""
    provider = Publisher([FIRST])
    with pytest.raises(AuthenticationError):
        await provider.seen.verify(token, SIGNATURES)
    assert provider.asked == 0


async def test_keys_for_other_uses_sign_nothing() -> None:
    """One for encryption, and a shared secret that was published by mistake."""
    provider = Publisher([ENCRYPTING, SHARED])
    misused = RSAKey.import_key(ENCRYPTING.as_dict(private=True) | {"use": "sig"})
    for token in (signed(misused, kid="3"), signed(SHARED, "HS256", kid="5")):
        with pytest.raises(AuthenticationError):
            await provider.seen.verify(token, SIGNATURES | {"HS256"})


STRANGE: list[JsonValue] = [
    {"kty": "EC", "crv": "brainpoolP256r1", "x": "AA", "y": "AA"},
    {"kty": "OKP", "crv": "X448000", "x": "AA"},
    {"kty": "RSA"},
    {"kty": ["RSA"]},
    {"kty": "tomorrow's"},
    "no key at all",
    {"kty": "RSA", "n": "!!", "e": "AQAB"},
]


@pytest.mark.parametrize("strange", STRANGE, ids=str)
async def test_a_key_that_we_do_not_understand_locks_nobody_out(strange: JsonValue) -> None:
    """A provider may publish keys of other kinds and curves beside the ones that we know."""
    known = (FIRST, OKPKey.generate_key("X25519"))
    told = [cast("JsonValue", key.as_dict(private=False)) for key in known]
    provider = Publisher(list(read_keys({"keys": [strange, *told]}).keys))
    assert (await provider.seen.verify(signed(FIRST), SIGNATURES)).claims == {"sub": "7"}
    with pytest.raises(AuthenticationError):
        await provider.seen.verify(signed(SECOND), SIGNATURES)


@pytest.mark.parametrize("document", [None, [], {}, {"keys": None}, {"keys": []}, {"keys": STRANGE}], ids=str)
def test_a_document_without_any_key_is_the_providers_fault(document: JsonValue) -> None:
    """It is said so, rather than that the person's token is wrong."""
    with pytest.raises(UpstreamError, match="cannot be read"):
        read_keys(document)


async def test_a_provider_that_is_away_refuses_nobody_for_good() -> None:
    """The failure is not remembered: the next token asks again."""
    provider = Publisher([FIRST], away=True)
    with pytest.raises(UpstreamError):
        await provider.seen.verify(signed(FIRST, kid="1"), SIGNATURES)
    provider.away = False
    await provider.seen.verify(signed(FIRST, kid="1"), SIGNATURES)
