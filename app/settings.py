"""Settings: environment variables `PURSER_*`, read once, never changed; README.md lists them all."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.database.connections import PoolLimits
from app.database.postgres_configuration import CONNECTIONS_MAX
from app.errors import SettingsInvalid

ENV_PREFIX = "PURSER_"
CONNECTIONS_RESERVED = 10
"""Connections of the embedded server kept for imports, backups, change feeds and a person with psql."""

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class Settings(BaseSettings):
    """What can be set from outside. Every bound is checked before anything is started."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    database_url: SecretStr | None = Field(
        None,
        description="A PostgreSQL >= 15, as a libpq URL; several hosts allowed. Unset: the embedded server.",
    )
    data_dir: Path = Field(
        Path(".purser"),
        description="Where the embedded server keeps its data.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="The TCP port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="How many server processes share the port.")
    pool_size_max: int = Field(8, ge=1, le=200, description="Most database connections of one process.")
    acquire_timeout_seconds: Seconds = Field(
        5.0, description="Longest wait for a free connection; then the answer is 503."
    )
    connect_timeout_seconds: Seconds = Field(10.0, description="Longest wait while a connection is being made.")
    statement_timeout_seconds: Seconds = Field(15.0, description="Longest a single SQL statement may run.")
    lock_timeout_seconds: Seconds = Field(5.0, description="Longest a statement may wait for another's lock.")
    graphql_depth_max: int = Field(20, ge=1, le=200, description="Deepest nesting of fields in a GraphQL query.")
    graphql_aliases_max: int = Field(
        200, ge=0, le=100_000, description="Most aliases of a GraphQL query, its fragments spread."
    )
    graphql_directives_max: int = Field(
        100, ge=0, le=100_000, description="Most directives of a GraphQL query, its fragments spread."
    )
    graphql_fields_max: int = Field(
        4000, ge=1, le=1_000_000, description="Most fields of a GraphQL query, its fragments spread."
    )
    graphql_tokens_max: int = Field(4000, ge=10, le=1_000_000, description="Most tokens of a GraphQL document.")
    graphql_body_bytes_max: int = Field(
        262_144, ge=1024, le=67_108_864, description="Most bytes of a GraphQL query: its document and its variables."
    )
    graphql_mutation_bytes_max: int = Field(
        8_388_608,
        ge=1024,
        le=67_108_864,
        description="Most bytes of a GraphQL mutation, where that is more; 5000 engine events take about half of them.",
    )
    graphql_page_size_max: int = Field(
        1000, ge=100, le=1000, description="Most rows of one page: `first` or `last` in GraphQL."
    )
    graphql_cost_max: int = Field(
        250_000,
        ge=100,
        le=1_000_000_000,
        description="Most rows that a GraphQL query may ask for: page sizes, multiplied through nesting.",
    )
    graphql_timeout_seconds: Seconds = Field(30.0, description="Longest a GraphQL query may take, all its statements.")
    graphql_documents_max: int = Field(
        1000, ge=1, le=100_000, description="How many parsed and validated GraphQL documents are kept."
    )
    graphql_persisted_queries_max: int = Field(
        1000, ge=0, le=100_000, description="How many automatic persisted queries are kept."
    )
    graphql_allow_list: Path | None = Field(
        None,
        description="A JSON file of the only GraphQL queries to answer, from id to query. Unset: any is answered.",
    )
    graphql_introspection: bool = Field(True, description="Whether GraphQL describes its schema to who asks.")
    graphql_suggestions: bool = Field(
        False, description='Whether GraphQL\'s errors suggest names ("Did you mean"). For development.'
    )
    authorize_waiting_max: int = Field(
        5000,
        ge=1,
        le=1_000_000,
        description="Most orders of one process that wait for authorization; then the answer is 503, BUSY.",
    )
    keys_reload_seconds: Seconds = Field(
        20.0, description="How often API keys are read again, should the news of a new or a revoked one get lost."
    )
    keys_stale_seconds_max: Seconds = Field(
        60.0, description="How long API keys are trusted while they cannot be read; then the answer is 503."
    )
    wrong_keys_max: int = Field(
        10, ge=1, le=1_000_000, description="Most wrong API keys from one address in a minute; then the answer is 429."
    )
    allowed_hosts: str | None = Field(
        None,
        description="Names, with commas, that a service without API keys may be asked by, beside the loopback's.",
    )
    graphql_sockets_max: int = Field(1000, ge=0, le=100_000, description="Most WebSocket connections of one process.")
    graphql_socket_operations_max: int = Field(
        100, ge=1, le=10_000, description="Most subscriptions and other operations at once on one WebSocket."
    )
    graphql_socket_init_timeout_seconds: Seconds = Field(
        10.0, description="Longest wait for a WebSocket's first message, with the key."
    )
    graphql_socket_send_timeout_seconds: Seconds = Field(
        10.0, description="How long a WebSocket's client may read nothing before it is cut."
    )
    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        "info", description="The least severe log line that is printed."
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
        if self.lock_timeout_seconds > self.statement_timeout_seconds:
            raise ValueError(
                f"PURSER_LOCK_TIMEOUT_SECONDS ({self.lock_timeout_seconds:g}) is longer than "
                f"PURSER_STATEMENT_TIMEOUT_SECONDS ({self.statement_timeout_seconds:g}), so never reached"
            )
        if self.keys_stale_seconds_max < self.keys_reload_seconds:
            raise ValueError(
                f"PURSER_KEYS_STALE_SECONDS_MAX ({self.keys_stale_seconds_max:g}) is shorter than "
                f"PURSER_KEYS_RELOAD_SECONDS ({self.keys_reload_seconds:g}), so API keys would not be trusted between"
            )
        asked = self.workers * self.pool_size_max
        offered = CONNECTIONS_MAX - CONNECTIONS_RESERVED
        if self.database_url is None and asked > offered:
            raise ValueError(
                f"PURSER_WORKERS x PURSER_POOL_SIZE_MAX is {asked}, more than the {offered} connections that "
                "the embedded server has for them; lower one, or set PURSER_DATABASE_URL"
            )
        return self

    @property
    def allowed_host_names(self) -> list[str]:
        """The names in `allowed_hosts`."""
        return [name.strip() for name in (self.allowed_hosts or "").split(",") if name.strip()]

    @property
    def graphql_request_bytes_max(self) -> int:
        """Most bytes of any GraphQL request, before it is known what it asks for."""
        return max(self.graphql_mutation_bytes_max, self.graphql_body_bytes_max)

    def pool_limits(self) -> PoolLimits:
        """The bounds of one process's connection pool."""
        return PoolLimits(
            size_max=self.pool_size_max,
            acquire_timeout_seconds=self.acquire_timeout_seconds,
            connect_timeout_seconds=self.connect_timeout_seconds,
            statement_timeout_seconds=self.statement_timeout_seconds,
            lock_timeout_seconds=self.lock_timeout_seconds,
        )


def load_settings(**overrides: object) -> Settings:
    """The settings of the environment; `overrides` that are not None win. Raises SettingsInvalid."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsInvalid(_readable(error)) from None


def _readable(error: ValidationError) -> str:
    """One line for each problem, naming the variable; a secret value is never repeated."""
    lines = []
    for problem in error.errors(include_url=False):
        said = problem["msg"].removeprefix("Value error, ")
        place = "_".join(str(part) for part in problem["loc"]).upper()
        lines.append(f"{ENV_PREFIX}{place}: {said[0].lower()}{said[1:]}." if place else f"{said}.")
    return "\n".join(lines)
