"""The service token: where it comes from and when a service refuses to start without one."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from fleetops.auth.service_token import FILE_NAME, check_exposure, service_token
from fleetops.errors import ConfigurationError
from fleetops.settings import Settings


def _read(data_dir: Path) -> str:
    return service_token(Settings(data_dir=data_dir)).get_secret_value()


def test_the_setting_wins_and_makes_no_file(tmp_path: Path) -> None:
    """A configured token is used as it is."""
    settings = Settings(data_dir=tmp_path, service_token=SecretStr("configured"))
    assert service_token(settings).get_secret_value() == "configured"
    assert not (tmp_path / FILE_NAME).exists()


def test_a_token_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """The first use makes the file with mode 0600; later uses read the same."""
    first = _read(tmp_path / "new")
    assert len(first) >= 40
    assert _read(tmp_path / "new") == first
    assert stat.S_IMODE((tmp_path / "new" / FILE_NAME).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == [FILE_NAME]


def test_services_that_start_together_agree(tmp_path: Path) -> None:
    """Whoever is first makes it, and all have the same."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        tokens = pool.map(_read, [tmp_path] * 8, chunksize=1)
    assert len(set(tokens)) == 1


def test_an_open_file_or_an_empty_token_is_refused(tmp_path: Path) -> None:
    """A token that others can read, and no token at all, are mistakes to be told of."""
    _read(tmp_path)
    (tmp_path / FILE_NAME).chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        _read(tmp_path)
    (tmp_path / FILE_NAME).chmod(0o600)
    (tmp_path / FILE_NAME).write_text("\n")
    with pytest.raises(ConfigurationError, match="is empty"):
        _read(tmp_path)
    with pytest.raises(ConfigurationError, match="FLEETOPS_SERVICE_TOKEN is empty"):
        service_token(Settings(data_dir=tmp_path, service_token=SecretStr(" ")))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "fleet.example", ""])
def test_listening_beyond_loopback_needs_a_token_set_on_purpose(tmp_path: Path, host: str) -> None:
    """Without one the service refuses to start, and says how to set it."""
    with pytest.raises(ConfigurationError, match="FLEETOPS_SERVICE_TOKEN"):
        check_exposure(host, Settings(data_dir=tmp_path))
    check_exposure(host, Settings(data_dir=tmp_path, service_token=SecretStr("configured")))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_loopback_needs_none(tmp_path: Path, host: str) -> None:
    """On this machine alone, the generated token is enough."""
    check_exposure(host, Settings(data_dir=tmp_path))
