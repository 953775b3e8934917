"""Settings: environment variables `PURSER_*`, read once at start; docs/operations.md lists them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.database.connections import PoolLimits
from app.database.postgres_programs import CONNECTIONS_MAX
from app.errors import SettingsInvalid

ENV_PREFIX = "PURSER_"
CONNECTIONS_RESERVED = 10
"""Connections of the embedded server kept for imports, backups, change feeds and psql."""

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class FixedLimits:
    """Bounds that are no settings, because no deployment has a reason to change them. Tests construct their own."""

    graphql_query_bytes_max: int = 262_144
    """A GraphQL query: its document and its variables."""
    graphql_tokens_max: int = 4000
    graphql_aliases_max: int = 200
    graphql_directives_max: int = 100
    graphql_fields_max: int = 4000
    """Of a document with its fragments spread, like aliases and directives."""
    graphql_page_size_max: int = 1000
    graphql_documents_max: int = 1000
    """Parsed and validated documents kept in memory."""
    graphql_persisted_queries_max: int = 1000
    """Automatic persisted queries kept in memory."""
    websocket_operations_max: int = 100
    """Operations in progress on one WebSocket."""
    websocket_init_timeout_seconds: float = 10.0
    """Until a client's first message, which has the API key."""
    websocket_send_timeout_seconds: float = 10.0
    """How long a client may read nothing before it is disconnected."""
    authorize_waiting_max: int = 5000
    """Orders of one process waiting for authorization; more are answered with BUSY."""
    keys_reload_seconds: float = 20.0
    """How often API keys are read again, in case a notification was lost."""
    keys_stale_seconds_max: float = 60.0
    """How long API keys are trusted while they cannot be read; then requests are answered with 503."""


class Settings(BaseSettings):
    """Everything an operator can configure. All bounds are checked before anything starts."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    database_url: SecretStr | None = Field(
        None,
        description="libpq URL of a PostgreSQL 15 or newer; may name several hosts. "
        "If unset, Purser runs its embedded server.",
    )
    data_dir: Path = Field(
        Path(".purser"),
        description="Data directory of the embedded server. A relative path is resolved against the directory "
        "in which the command is started.",
    )
    redis_url: SecretStr | None = Field(
        None, description="URL of the Redis that `purser stream` reads: `redis://`, `rediss://` (TLS) or `unix://`."
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="TCP port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="Number of server processes that share the port.")
    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        "info", description="Least severe level to log: `critical`, `error`, `warning`, `info` or `debug`."
    )
    pool_size_max: int = Field(
        8, ge=1, le=200, description="Maximum database connections for reads, and as many for writes, of one process."
    )
    acquire_timeout_seconds: Seconds = Field(
        5.0, description="Maximum wait for a free database connection; then the response is 503."
    )
    statement_timeout_seconds: Seconds = Field(15.0, description="Maximum duration of one SQL statement.")
    allowed_hosts: str | None = Field(
        None, description="Comma-separated host names accepted, besides loopback names, while no API key exists."
    )
    allowed_origins: str | None = Field(
        None,
        description="Comma-separated origins (`https://desk.example`) whose web pages may use both APIs (CORS). "
        "If unset, no page of another origin may.",
    )
    wrong_keys_max: int = Field(
        10,
        ge=1,
        le=1_000_000,
        description="Maximum wrong API keys from one address in a minute; then the response is 429.",
    )
    graphql_depth_max: int = Field(20, ge=1, le=200, description="Maximum nesting depth of a GraphQL query.")
    graphql_cost_max: int = Field(
        250_000,
        ge=100,
        le=1_000_000_000,
        description="Maximum rows that a GraphQL query may request: page sizes, multiplied through nesting.",
    )
    graphql_timeout_seconds: Seconds = Field(
        30.0, description="Maximum duration of a GraphQL query, all of its SQL statements together."
    )
    graphql_mutation_bytes_max: int = Field(
        8_388_608,
        ge=1024,
        le=67_108_864,
        description="Maximum size in bytes of a GraphQL mutation. 5000 engine events take about half of the default.",
    )
    graphql_sockets_max: int = Field(
        1000,
        ge=0,
        le=100_000,
        description="Maximum WebSocket connections of one process, and maximum event streams.",
    )
    graphql_allow_list: Path | None = Field(
        None,
        description="JSON file that maps ids to the only GraphQL queries to answer. If unset, any query is answered.",
    )
    graphql_introspection: bool = Field(True, description="Whether clients may query the GraphQL schema.")
    graphql_suggestions: bool = Field(
        False, description='Whether GraphQL errors suggest names ("Did you mean"). For development.'
    )

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            parts = urlsplit(url.get_secret_value())
            if parts.scheme not in ("postgresql", "postgres"):
                raise ValueError("must begin with postgresql:// (a libpq URL, without a driver's name)")
            for host in parts.netloc.rpartition("@")[2].split(","):
                port = host.rpartition("]")[2].partition(":")[2]
                if port and not (port.isdecimal() and 0 < int(port[:9]) < 65_536):
                    raise ValueError(f"names the port {port!r}; a port is a number from 1 to 65535")
        return url

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, origins: str | None) -> str | None:
        for origin in _names_in(origins):
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or origin.lower() != f"{parts.scheme}://{parts.netloc.lower()}":
                raise ValueError(f"names {origin!r}; an origin is like https://desk.example or http://localhost:5173")
            if not parts.hostname or "@" in parts.netloc or "*" in origin:
                raise ValueError(f"names {origin!r}; each origin is one scheme, host and port, without wildcards")
        return origins

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            try:
                parts = urlsplit(url.get_secret_value())
                is_valid = parts.scheme in ("redis", "rediss", "unix") and parts.port != 0
            except ValueError:
                is_valid = False
            if not is_valid:
                # The value is not repeated: what looks like a port may be a part of the password.
                raise ValueError(
                    "must be like redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, or "
                    "unix://PATH; special characters of a password are percent-encoded"
                )
        return url

    @field_validator("graphql_allow_list")
    @classmethod
    def _is_file(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError(f"there is no file {path}")
        return path

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, level: object) -> object:
        return level.lower() if isinstance(level, str) else level

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        requested = 2 * self.workers * self.pool_size_max
        available = CONNECTIONS_MAX - CONNECTIONS_RESERVED
        if self.database_url is None and requested > available:
            raise ValueError(
                f"2 x PURSER_WORKERS x PURSER_POOL_SIZE_MAX is {requested}, more than the {available} connections that "
                "the embedded server has for them; lower one, or set PURSER_DATABASE_URL"
            )
        return self

    @property
    def allowed_host_names(self) -> list[str]:
        """The names in `allowed_hosts`."""
        return _names_in(self.allowed_hosts)

    @property
    def allowed_origin_names(self) -> list[str]:
        """The origins in `allowed_origins`, as browsers write them."""
        return [origin.lower() for origin in _names_in(self.allowed_origins)]

    def pool_limits(self) -> PoolLimits:
        """The bounds of one process's connection pools."""
        return PoolLimits(
            size_max=self.pool_size_max,
            acquire_timeout_seconds=self.acquire_timeout_seconds,
            statement_timeout_seconds=self.statement_timeout_seconds,
        )


def _names_in(listed: str | None) -> list[str]:
    return [name.strip() for name in (listed or "").split(",") if name.strip()]


def load_settings(**overrides: object) -> Settings:
    """Read the environment; `overrides` that are not None take precedence. Raises SettingsInvalid."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsInvalid(_readable(error)) from None


def unknown_variables(environment: Iterable[str] = os.environ) -> list[str]:
    """A sentence for each `PURSER_*` variable that is no setting, with the setting that was probably meant.

    They are reported, not refused: Kubernetes adds variables like PURSER_SERVICE_HOST for a service named `purser`.
    """
    known = [f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields]
    sentences = []
    for name in sorted(environment):
        if name.upper().startswith(ENV_PREFIX) and name.upper() not in known:
            near = get_close_matches(name.upper(), known, n=1, cutoff=0.8)
            hint = f" Did you mean {near[0]}?" if near else ""
            sentences.append(f"{name} is not a setting and is ignored.{hint}")
    return sentences


def _readable(error: ValidationError) -> str:
    """One line per problem, naming the variable; never repeats a secret value."""
    lines = []
    for problem in error.errors(include_url=False):
        message = problem["msg"].removeprefix("Value error, ")
        name = "_".join(str(part) for part in problem["loc"]).upper()
        lines.append(f"{ENV_PREFIX}{name}: {message[0].lower()}{message[1:]}." if name else f"{message}.")
    return "\n".join(lines)
