"""The command line of `purser`: every command with its options, and the exit codes.

A command imports its implementation when it runs, so that `purser --help` does not load it.
"""

from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from app.principal import Role

FAILED = 1
"""Refused or failed, with the reason on stderr."""
MISUSED = 2
"""The command line or a setting is invalid."""
REFUSED_LINES = 3
"""An import or `stream --once` refused some messages and recorded the others."""

cli = typer.Typer(
    name="purser",
    help="Purser: the operations API for algorithmic trading.",
    epilog="Settings are environment variables PURSER_*; docs/operations.md lists them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
stream = typer.Typer(name="stream", help="Follow an engine's streams into the ledger.", no_args_is_help=True)
keys = typer.Typer(name="keys", help="Create, list and revoke API keys.", no_args_is_help=True)
db = typer.Typer(name="db", help="Upgrade, back up and restore the database.", no_args_is_help=True)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [PURSER_HOST, 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [PURSER_PORT, 8000]")] = None,
    workers: Annotated[int | None, typer.Option(help="Number of server processes. [PURSER_WORKERS, 1]")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty database with demonstration data.")] = False,
) -> None:
    """Serve the API until Ctrl-C or SIGTERM."""
    from app.cli.serving import run_service

    run_service(host=host, port=port, workers=workers, demo=demo)


@cli.command("import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Engine events and instruments: one JSON object per line, or one JSON array; plain or gzip.",
        ),
    ],
) -> None:
    """Import recordings of engine events and instruments. Importing one again changes nothing.

    Lines that cannot be imported are reported on stderr with their numbers; the others are imported, and the exit
    code is 3.
    """
    from app.cli.importing import import_files

    if exit_code := import_files(files):
        raise typer.Exit(exit_code)


class FirstEntry(StrEnum):
    """Where a new consumer group begins."""

    BEGINNING = "0"
    END = "$"


@stream.callback()
def _stream() -> None:
    pass


@stream.command()
def nautilus(
    redis: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Redis with the streams, for example redis://HOST:6379/0. [PURSER_REDIS_URL]",
        ),
    ] = None,
    trader: Annotated[
        list[str] | None, typer.Option(metavar="TRADER", help="Follow this trader only, not all; repeatable.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Follow streams whose keys match this glob pattern, alone or besides --trader; repeatable.",
        ),
    ] = None,
    group: Annotated[str, typer.Option(help="Consumer group.")] = "purser",
    consumer: Annotated[str | None, typer.Option(help="Name in the group; by default the host name.")] = None,
    first: Annotated[
        FirstEntry, typer.Option("--from", help="Where a new group begins: 0 for all entries, $ for later ones.")
    ] = FirstEntry.BEGINNING,
    claim_idle_seconds: Annotated[
        float,
        typer.Option(min=0.1, max=86_400, help="Take over entries that another consumer left unacknowledged so long."),
    ] = 60.0,
    once: Annotated[bool, typer.Option("--once", help="Record what there is, then stop.")] = False,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Port to serve /metrics on; by default none.")
    ] = None,
    metrics_host: Annotated[str, typer.Option(help="Address to serve /metrics on.")] = "127.0.0.1",
) -> None:
    """Record what NautilusTrader publishes to Redis (MessageBusConfig.database), until Ctrl-C or SIGTERM.

    Both encodings are read, and one stream as well as a stream per topic. Every entry is recorded exactly once, over
    restarts of this command, of Redis and of PostgreSQL. Entries that cannot be recorded are logged and copied to the
    stream purser:refused; with --once the exit code is then 3.
    """
    from app.cli.streaming import StreamCommand, follow_nautilus

    command = StreamCommand(
        traders=trader or (),
        patterns=key or (),
        group=group,
        consumer=consumer,
        first_id=first.value,
        claim_idle_seconds=claim_idle_seconds,
        is_once=once,
        metrics_port=metrics_port,
        metrics_host=metrics_host,
    )
    if exit_code := follow_nautilus(redis, command):
        raise typer.Exit(exit_code)


@cli.command()
def verify(
    audit_head: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER:HASH", help="Head printed by an earlier run; the audit log must still contain it."
        ),
    ] = None,
) -> None:
    """Recompute every invariant of the ledger, and list each one that is broken with its rows. Changes nothing.

    Prints the audit log's head at the end: store it where people who can write to the database cannot change it.
    The exit code is 1 if an invariant is broken.
    """
    from app.cli.verifying import verify_database

    if exit_code := verify_database(audit_head):
        raise typer.Exit(exit_code)


@keys.command()
def create(
    role: Annotated[
        Role, typer.Option(help="viewer reads; trader also records and authorizes; admin does everything.")
    ],
    name: Annotated[str | None, typer.Option(help="Name in the audit log. [the key's id]")] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STRATEGY",
            help="Restrict the key to this strategy: id, NAME or TRADER/NAME; repeatable. A UUID is always an id.",
        ),
    ] = None,
) -> None:
    """Create an API key and print it. It cannot be shown again.

    Once the first key exists, the service refuses requests without a key, and may listen on other addresses than
    loopback.
    """
    from app.cli.api_keys import create_key

    create_key(role, name, strategy or ())


@keys.command("list")
def list_() -> None:
    """List all API keys, revoked ones included, without their secrets."""
    from app.cli.api_keys import list_keys

    list_keys()


@keys.command()
def revoke(
    key_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The key's id.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="The key's name, instead of its id.")] = None,
) -> None:
    """Revoke an API key permanently, by its id or its name. Running services refuse it within seconds."""
    key = key_id if name is None else name
    if key is None or (name is not None and key_id is not None):
        raise typer.BadParameter("give either the key's id or --name NAME")
    from app.cli.api_keys import revoke_key

    revoke_key(key, by_name=name is not None)


@db.command()
def upgrade() -> None:
    """Upgrade the database schema to this release. `serve` does it automatically."""
    from app.cli import maintenance

    maintenance.upgrade()


@db.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write the backup (pg_dump's custom format).")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE if it exists.")] = False,
) -> None:
    """Back up the database to FILE, as of one moment. The service may keep running."""
    from app.cli import maintenance

    maintenance.back_up(file, overwrite=force)


@db.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup written by `purser db backup`.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the database's current contents.")] = False,
) -> None:
    """Restore the database from FILE, completely or, if anything fails, not at all."""
    from app.cli import maintenance

    maintenance.restore(file, replace=force)


@cli.command()
def schema() -> None:
    """Print the GraphQL schema in SDL."""
    from graphql_schema import schema as graphql_schema

    print(graphql_schema.as_str())


cli.add_typer(stream)
cli.add_typer(keys)
cli.add_typer(db)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        print(f"purser {version('purser')}")
        raise typer.Exit


@cli.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass
