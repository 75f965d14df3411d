"""Every setting, its default and its meaning. Built once, in `cli`, and handed down.

Environment variables are `FLEETOPS_` and the field's path, levels joined by two
underscores: `FLEETOPS_KAFKA__BOOTSTRAP_SERVERS`, `FLEETOPS_REPLAY__PORT`.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import ConfigurationError
from .log import LogFormat

LOWEST_RATE_HZ = 0.1
"""Much slower, and every frame would come after detection has given its scene up."""


def _no_slower_than_lowest(rate_hz: float) -> float:
    if 0 < rate_hz < LOWEST_RATE_HZ:
        raise ValueError(
            f"frames per second must be 0, as fast as the broker takes it, or at least {LOWEST_RATE_HZ:g}: "
            "between slower frames detection could give the scene up"
        )
    return rate_hz


RateHz = Annotated[
    float,
    Field(
        ge=0,
        le=1000,
        description=f"frames per second, at least {LOWEST_RATE_HZ:g}; 0 = as fast as the broker takes it",
        examples=[10.0],
    ),
    AfterValidator(_no_slower_than_lowest),
]
Port = Annotated[int, Field(ge=0, le=65535, description="0 = a free one")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(_Section):
    """How to reach Kafka, and how topics are made when they are missing."""

    bootstrap_servers: str = "localhost:9092"
    session_timeout_ms: Annotated[int, Field(ge=1000, description="6000 on the embedded broker")] = 30_000
    heartbeat_interval_ms: Annotated[int, Field(ge=100)] = 3_000
    sole_consumer: Annotated[
        bool, Field(description="take every partition instead of joining a group; only where one worker reads")
    ] = False
    batch_size: Annotated[int, Field(ge=1, description="messages taken per call at most")] = 1_000
    replication_factor: Annotated[int, Field(ge=1)] = 1
    retention_ms: Annotated[int, Field(description="of topics we create; -1 = for ever")] = 7 * 24 * 3600 * 1000
    partitions: Annotated[dict[str, int], Field(description="overrides of the default counts, by topic")] = {}
    client_options: Annotated[dict[str, str], Field(description="any librdkafka option, e.g. for TLS and SASL")] = {}
    timeout_s: Annotated[float, Field(gt=0, description="how long to wait for an answer before saying so")] = 10.0


class ReplaySettings(_Section):
    """replay-service."""

    host: str = "127.0.0.1"
    port: Port = 8001
    dataset: Annotated[Path | None, Field(description="an L5Kit zarr; the golden scenes when not set")] = None
    scenes_file: Annotated[
        Path | None, Field(description="JSON with scene definitions, in place of the dataset's own scenes")
    ] = None
    rate_hz: RateHz = 10.0
    admit: Annotated[Literal["vehicles", "all"], Field(description="which tracks become fleet vehicles")] = "vehicles"
    min_label_probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    idle_end_s: Annotated[float, Field(gt=0, description="a session paused this long is ended")] = 600.0


class AnomalySettings(_Section):
    """anomaly-service."""

    host: str = "127.0.0.1"
    port: Port = 8002
    rules: Annotated[str, Field(description="name of a shipped rule set, or a TOML file")] = "calibrated"
    history_frames: Annotated[int, Field(ge=1, description="frames re-read after a restart")] = 100
    give_up_s: Annotated[float, Field(gt=0, description="a scene silent this long holds no offset any more")] = 900.0


def is_loopback_url(url: str) -> bool:
    """Whether `url` leads to this very machine, so that nobody on the way can listen."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name, whatever it begins with
        return False


def _encrypted_unless_here(issuer: str) -> str:
    if not (issuer.startswith("https://") or (issuer.startswith("http://") and is_loopback_url(issuer))):
        raise ValueError("expected an https address: whoever can change what the provider says comes in as anyone")
    return issuer


class OidcSettings(_Section):
    """An OpenID provider that people sign in with. Give it `{public_url}/auth/oidc/callback` to redirect to."""

    issuer: Annotated[
        str,
        Field(description="its address, exactly as its discovery document says"),
        AfterValidator(_encrypted_unless_here),
    ]
    client_id: str
    client_secret: Annotated[SecretStr | None, Field(description="none for a public client; PKCE is used anyway")] = (
        None
    )
    name: Annotated[str, Field(min_length=1, max_length=40, description="what the sign-in page calls it")] = "OpenID"
    scopes: str = "openid profile email"
    role_claim: Annotated[str, Field(description="of the ID token, or else of the user information")] = "groups"
    roles: Annotated[
        dict[str, Literal["viewer", "operator", "supervisor"]],
        Field(min_length=1, description="by what the claim holds; of several the highest, of none nobody comes in"),
    ]
    timeout_s: Annotated[float, Field(gt=0, description="how long to wait for the provider")] = 10.0


class OperatorSettings(_Section):
    """operator-service."""

    host: str = "127.0.0.1"
    port: Port = 8003
    resolve_delay_s: Annotated[
        float, Field(ge=0, description="from a condition's end to its alert's, below CRITICAL")
    ] = 30.0
    pull_over_delay_s: Annotated[float, Field(ge=0, description="simulated: from the command to the alert's end")] = 5.0
    database_timeout_s: Annotated[float, Field(gt=0, description="how long to wait for PostgreSQL to come up")] = 30.0
    public_url: Annotated[
        str | None,
        Field(description="how browsers reach the console, where that is not host:port; https makes cookies Secure"),
    ] = None
    trusted_proxies: Annotated[
        list[str], Field(description="addresses or networks of proxies whose X-Forwarded-For is believed")
    ] = []
    replay_url: Annotated[str | None, Field(description="where replay-service is; its host:port here when not set")] = (
        None
    )
    anomaly_url: Annotated[
        str | None, Field(description="where anomaly-service is; its host:port here when not set")
    ] = None
    upstream_timeout_s: Annotated[float, Field(gt=0, description="how long to wait for those two")] = 10.0
    session_hours: Annotated[float, Field(gt=0, description="a browser's sign-in lasts this long")] = 12.0
    login_attempts: Annotated[
        int, Field(ge=1, description="failed ones per minute, of one address and of one name, until one has to wait")
    ] = 10
    oidc: Annotated[OidcSettings | None, Field(description="sign in with a company's account")] = None
    webhook_networks: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        Field(description="where webhooks may lead besides public addresses, by http too: 10.0.0.0/8"),
    ] = ()
    webhook_timeout_s: Annotated[float, Field(gt=0, description="how long a receiver may take to answer")] = 10.0
    webhook_give_up_h: Annotated[
        float, Field(gt=0, description="a webhook that fails this long without a break is disabled")
    ] = 72.0
    mapbox_token: Annotated[
        str | None, Field(description="a public Mapbox token (pk.…): streets; none = MapLibre, no outside request")
    ] = None


class Settings(BaseSettings):
    """All of FleetOps' settings.

    Raises:
        ConfigurationError: two of them contradict each other.
    """

    model_config = SettingsConfigDict(
        env_prefix="FLEETOPS_", env_nested_delimiter="__", env_file=None, frozen=True, extra="forbid"
    )

    kafka: KafkaSettings = KafkaSettings()
    replay: ReplaySettings = ReplaySettings()
    anomaly: AnomalySettings = AnomalySettings()
    operator: OperatorSettings = OperatorSettings()
    data_dir: Annotated[Path, Field(description="journals, logs, embedded servers, the service token")] = (
        user_data_path("fleetops")
    )
    service_token: Annotated[
        SecretStr | None, Field(description="what the services show each other; made in data_dir when not set")
    ] = None
    database_url: Annotated[SecretStr | None, Field(description="PostgreSQL; embedded when not set")] = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: LogFormat = "json"

    @model_validator(mode="after")
    def _pauses_end_before_scenes_are_given_up(self) -> Self:
        idle_end_s, give_up_s = self.replay.idle_end_s, self.anomaly.give_up_s
        if idle_end_s >= give_up_s:
            raise ConfigurationError(
                f"FLEETOPS_REPLAY__IDLE_END_S ({idle_end_s:g} s) must be smaller than FLEETOPS_ANOMALY__GIVE_UP_S "
                f"({give_up_s:g} s), or detection gives up the scenes of a paused session that may still be resumed: "
                "lower the first or raise the second"
            )
        return self
