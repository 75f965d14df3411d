"""The service token: the one credential that replay- and anomaly-service know.

Browsers never see it: operator-service checks its own sessions and shows this token when
it forwards a request.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from fleetops.errors import AuthenticationError, ConfigurationError
from fleetops.settings import Settings

FILE_NAME = "service_token"
_ENTROPY_BYTES = 32

_bearer = HTTPBearer(auto_error=False, scheme_name="service_token", description="the services' shared token")


def service_token(settings: Settings) -> SecretStr:
    """The token of this installation: the setting, else `data_dir/service_token`.

    The file is made with mode 0600 at first use; of several processes that start at once,
    one makes it and all read the same.

    Raises:
        ConfigurationError: the setting is empty, or the file is open to others.
    """
    if settings.service_token is not None:
        if not settings.service_token.get_secret_value().strip():
            raise ConfigurationError("FLEETOPS_SERVICE_TOKEN is empty; set a long random string, or leave it unset")
        return settings.service_token
    path = settings.data_dir / FILE_NAME
    if not path.exists():
        _make(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise ConfigurationError(f"{path} can be read by other users; run `chmod 600 {path}` or delete it")
    token = path.read_text().strip()
    if not token:
        raise ConfigurationError(f"{path} is empty; delete it, and a new token is made")
    return SecretStr(token)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{FILE_NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(_ENTROPY_BYTES))
        # A link, unlike a rename, never replaces the token that another process just made and uses.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def check_exposure(host: str, settings: Settings) -> None:
    """Refuse to listen beyond this machine without a token that was set on purpose.

    Raises:
        ConfigurationError: `host` is not loopback and no service token is configured.
    """
    if settings.service_token is None and not _is_loopback(host):
        raise ConfigurationError(
            f"listening on {host or 'all addresses'} needs a service token: set FLEETOPS_SERVICE_TOKEN to a long "
            "random string, the same for all services, or listen on 127.0.0.1"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_service_token(token: SecretStr) -> Callable[[HTTPAuthorizationCredentials | None], None]:
    """A FastAPI dependency that lets through who shows `token` as `Authorization: Bearer …`.

    Raises:
        AuthenticationError: from the dependency, where it is missing or another.
    """
    expected = token.get_secret_value().encode()

    def check(shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        if shown is None:
            raise AuthenticationError("this service answers to `Authorization: Bearer <service token>` only")
        if not secrets.compare_digest(shown.credentials.encode(), expected):
            raise AuthenticationError("the service token is not valid")

    return check
