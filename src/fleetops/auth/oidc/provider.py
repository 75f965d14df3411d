"""Speaking with an OpenID provider: its discovery document, its keys, a code for tokens, who it is about."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

import httpx
from joserfc.jwk import KeySet
from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from fleetops.auth.roles import Role
from fleetops.errors import AuthenticationError, UpstreamError, UpstreamTimeoutError
from fleetops.settings import OidcSettings, is_loopback_url

from .claims import Claims, Ended, Identity, check_id_token, ended_by, identity_of
from .handshake import Handshake
from .keys import SIGNATURES, Keys, read_keys

M = TypeVar("M", bound=BaseModel)

_DISCOVERED_FOR_S: Final = 3600.0
_LARGEST_ANSWER: Final = 1 << 20


def _safe(url: str) -> str:
    if not (url.startswith("https://") or is_loopback_url(url)):
        raise ValueError("an endpoint that is not encrypted, and not on this machine")
    return url


Url = Annotated[str, AfterValidator(_safe)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Discovered(_Answer):
    """What we use of a provider's discovery document."""

    issuer: str
    authorization_endpoint: Url
    token_endpoint: Url
    jwks_uri: Url
    userinfo_endpoint: Url | None = None
    end_session_endpoint: Url | None = None
    id_token_signing_alg_values_supported: list[str] = ["RS256"]
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(_Answer):
    access_token: str
    id_token: str


class OpenIdProvider:
    """One company's provider, as the settings name it."""

    def __init__(self, settings: OidcSettings, http: httpx.AsyncClient) -> None:
        self._settings, self._http = settings, http
        self._roles = {word: Role(role) for word, role in settings.roles.items()}
        self._keys = Keys(self._fetch_keys, time.monotonic)
        self._found: Discovered | None = None
        self._found_s = 0.0
        self._finding = asyncio.Lock()

    async def login_url(self, handshake: Handshake, redirect_uri: str) -> str:
        """Where a browser goes to sign in.

        Raises:
            UpstreamError: the provider cannot be reached, or is not who the settings say.
        """
        there = await self.discover()
        client_id, scopes = self._settings.client_id, self._settings.scopes
        return handshake.authorization_url(there.authorization_endpoint, client_id, redirect_uri, scopes)

    async def logout_url(self, back_to: str) -> str | None:
        """Where a browser goes to end the provider's own session too; None where the provider has no such page."""
        endpoint = (await self.discover()).end_session_endpoint
        if endpoint is None:
            return None
        query = {"client_id": self._settings.client_id, "post_logout_redirect_uri": back_to}
        return str(httpx.URL(endpoint).copy_merge_params(query))

    async def redeem(
        self, handshake: Handshake, code: str, issuer: str | None, redirect_uri: str, now_s: float
    ) -> Identity:
        """Who signed in, for the code that the provider sent the browser back with. `now_s`: seconds since 1970.

        Raises:
            AuthenticationError: the code or a token does not hold.
            PermissionDeniedError: the account has no role here.
            UpstreamError: the provider cannot be reached, or answers nonsense.
        """
        there = await self.discover()
        if issuer is None and there.authorization_response_iss_parameter_supported:
            raise AuthenticationError("the answer does not say which provider it is from; begin again")
        if issuer not in {None, there.issuer}:
            raise AuthenticationError("this answer is another provider's; begin again")  # RFC 9207
        tokens = await self._exchange(there, handshake, code, redirect_uri)
        verified = await self._keys.verify(tokens.id_token, there.id_token_signing_alg_values_supported)
        check_id_token(
            verified.claims,
            issuer=there.issuer,
            client_id=self._settings.client_id,
            nonce=handshake.nonce,
            access_token=tokens.access_token,
            algorithm=verified.algorithm,
            now_s=now_s,
        )
        claims = await self._with_userinfo(there, verified.claims, tokens.access_token)
        return identity_of(claims, issuer=there.issuer, role_claim=self._settings.role_claim, roles=self._roles)

    async def ended(self, logout_token: str, now_s: float) -> Ended:
        """What the provider says has ended (back-channel logout).

        Raises:
            AuthenticationError: it is not the provider's logout token for us and for now.
            UpstreamError: the provider cannot be reached, or answers nonsense.
        """
        there = await self.discover()
        verified = await self._keys.verify(logout_token, SIGNATURES)
        return ended_by(verified.claims, issuer=there.issuer, client_id=self._settings.client_id, now_s=now_s)

    async def discover(self) -> Discovered:
        """What the provider says of itself, asked once an hour."""
        async with self._finding:
            if self._found is None or time.monotonic() - self._found_s > _DISCOVERED_FOR_S:
                issuer = self._settings.issuer
                answer = await self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
                found = _read(Discovered, answer)
                if found.issuer != issuer:
                    raise UpstreamError(f"the provider at {issuer} calls itself {found.issuer}; set that as the issuer")
                self._found, self._found_s = found, time.monotonic()
            return self._found

    async def _fetch_keys(self) -> KeySet:
        answer = await self._ask("GET", (await self.discover()).jwks_uri)
        _succeeded(answer)
        try:
            published = answer.json()
        except ValueError as error:
            raise UpstreamError("the OpenID provider's keys are no JSON") from error
        return read_keys(published)

    async def _exchange(self, there: Discovered, handshake: Handshake, code: str, redirect_uri: str) -> _Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": handshake.verifier,
        }
        client_id, secret, basic = self._settings.client_id, self._settings.client_secret, None
        if secret is None:
            form["client_id"] = client_id
        elif "client_secret_basic" in there.token_endpoint_auth_methods_supported:
            basic = httpx.BasicAuth(_form_encoded(client_id), _form_encoded(secret.get_secret_value()))
        else:
            form |= {"client_id": client_id, "client_secret": secret.get_secret_value()}
        answer = await self._ask("POST", there.token_endpoint, form=form, auth=basic)
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise AuthenticationError("the OpenID provider takes this code no more; begin again")
        return _read(_Tokens, answer)

    async def _with_userinfo(self, there: Discovered, claims: Claims, access_token: str) -> Claims:
        """`claims`, and what else the provider tells of the person: most put only the essentials into the token."""
        if there.userinfo_endpoint is None or self._settings.role_claim in claims:
            return claims
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        answer = await self._ask("GET", there.userinfo_endpoint, headers=headers)
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise AuthenticationError("the OpenID provider has revoked this login; begin again")
        told = _succeeded(answer)
        try:
            more = _CLAIMS.validate_json(told.content)
        except ValidationError as error:
            raise UpstreamError("the OpenID provider's user information is no JSON object") from error
        if more.get("sub") != claims["sub"]:
            raise AuthenticationError("the OpenID provider speaks of another person than its token")
        return {**more, **claims}

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: httpx.BasicAuth | None = None,
    ) -> httpx.Response:
        try:
            return await self._http.request(method, url, data=form, headers=headers, auth=auth)
        except httpx.TimeoutException as error:
            raise UpstreamTimeoutError("the OpenID provider did not answer in time") from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise UpstreamError(f"the OpenID provider cannot be reached ({type(error).__name__})") from error


_CLAIMS: Final = TypeAdapter(dict[str, JsonValue])


def _succeeded(answer: httpx.Response) -> httpx.Response:
    if answer.status_code != httpx.codes.OK or len(answer.content) > _LARGEST_ANSWER:
        raise UpstreamError(f"the OpenID provider answered {answer.status_code} at {answer.request.url.path}")
    return answer


def _read(kind: type[M], answer: httpx.Response) -> M:
    try:
        return kind.model_validate_json(_succeeded(answer).content)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UpstreamError(f"the OpenID provider's answer cannot be used: {wrong}") from error


def _form_encoded(text: str) -> str:
    """RFC 6749 2.3.1: identifier and secret are form-encoded before they become user and password."""
    return str(httpx.QueryParams({"": text})).removeprefix("=")
