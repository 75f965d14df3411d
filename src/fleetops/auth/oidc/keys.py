"""The provider's keys: fetched, kept for a while, and asked for again when a token names one we have not seen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final, cast

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, KeySetSerialization
from pydantic import JsonValue

from fleetops.errors import AuthenticationError, UpstreamError

from .claims import Claims

SIGNATURES: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""What a token may be signed with: public keys only. `none` and shared secrets are how tokens are forged."""

KEPT_S: Final = 600.0
"""A key that the provider withdrew is trusted no longer than this."""

REFETCH_S: Final = 10.0
"""Tokens that name unknown keys make us ask the provider no more often than this, whoever sends them."""

_LONGEST_TOKEN: Final = 64_000


@dataclass(frozen=True, slots=True)
class Verified:
    """A token's claims, whose signature is the provider's."""

    claims: Claims
    algorithm: str


def read_keys(document: JsonValue) -> KeySet:
    """The keys of a JWK set, without those of a kind or curve that we do not know (RFC 7517, section 5).

    Raises:
        UpstreamError: none can be read.
    """
    published = document.get("keys") if isinstance(document, dict) else None
    known: list[Key] = []
    for each in published if isinstance(published, list) else []:
        # A key of tomorrow beside today's must lock nobody out; joserfc fails on each strange one in its own way.
        with contextlib.suppress(JoseError, ValueError, LookupError, TypeError, AttributeError):
            known += KeySet.import_key_set(cast("KeySetSerialization", {"keys": [each]})).keys
    if not known:
        raise UpstreamError("the OpenID provider's keys cannot be read")
    return KeySet(known)


class Keys:
    """The keys of one provider. `clock` gives monotonic seconds."""

    def __init__(self, fetch: Callable[[], Awaitable[KeySet]], clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._known: list[Key] = []
        self._fetched_s: float | None = None
        self._fetching = asyncio.Lock()

    async def verify(self, token: str, algorithms: Collection[str]) -> Verified:
        """The claims of `token`, if the provider signed it with one of `algorithms`.

        Raises:
            AuthenticationError: it is no signed token, or nobody's whose key the provider publishes.
            UpstreamError: the provider's keys cannot be had.
        """
        algorithm, kid = _header(token)
        if algorithm not in SIGNATURES or algorithm not in algorithms:
            raise AuthenticationError(f"the token is signed with {algorithm!r}, which is not accepted")
        await self._refresh(KEPT_S)
        found = self._try(token, algorithm, kid)
        if found is None:
            await self._refresh(REFETCH_S)
            found = self._try(token, algorithm, kid)
        if found is None:
            raise AuthenticationError("the token is signed with none of the provider's keys")
        return Verified(found, algorithm)

    def _try(self, token: str, algorithm: str, kid: str | None) -> Claims | None:
        for key in self._known:
            if kid is not None and key.kid != kid:
                continue
            try:
                claims: Claims = jwt.decode(token, key, algorithms=[algorithm]).claims
            except (JoseError, ValueError):  # another kind of key, or another's signature
                continue
            return claims
        return None

    async def _refresh(self, older_than_s: float) -> None:
        async with self._fetching:
            if self._fetched_s is not None and self._clock() - self._fetched_s < older_than_s:
                return
            keys = await self._fetch()
            self._known = [key for key in keys if key.key_type != "oct" and key.get("use") in {None, "sig"}]
            self._fetched_s = self._clock()


def _header(token: str) -> tuple[str, str | None]:
    if len(token) > _LONGEST_TOKEN:
        raise AuthenticationError("the token is too long to be one")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise AuthenticationError("this is no signed token") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(kid, str | None):
        raise AuthenticationError("this is no signed token")
    return algorithm, kid
