"""The command line of `purser`: every command with its options.

What a command runs is imported when it runs, for it takes seconds to load: `purser --help` needs none of it.
"""

from pathlib import Path
from typing import Annotated

import typer

from app.principal import Role

keys = typer.Typer(name="keys", help="Create, list and revoke API keys.", no_args_is_help=True)
db = typer.Typer(name="db", help="Look after the database.", no_args_is_help=True)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [PURSER_HOST, 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [PURSER_PORT, 8000]")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes. [PURSER_WORKERS, 1]")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty database with recordings and budgets.")] = False,
) -> None:
    """Serve the API until Ctrl-C or SIGTERM."""
    from app.cli.serving import run_service

    run_service(host=host, port=port, workers=workers, demo=demo)


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Engine events and instruments: JSON objects, one a line, or one JSON array of them; plain or gzip",
        ),
    ],
) -> None:
    """Import recordings of engine events and instruments; importing one again changes nothing.

    Lines that cannot be taken are named with their number on stderr, the rest goes on, and the exit code is 3.
    """
    from app.cli.importing import import_files

    if exit_code := import_files(files):
        raise typer.Exit(exit_code)


def verify(
    audit_head: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="What an earlier run printed: the audit log must still have it."),
    ] = None,
) -> None:
    """Recompute every invariant from the database; name each one that is broken, with the rows.

    Ends with the audit log's head: keep it where nobody who can write to the database can write. Changes nothing.
    Exit code 1 if an invariant is broken.
    """
    from app.cli.verifying import verify_database

    if exit_code := verify_database(audit_head):
        raise typer.Exit(exit_code)


@keys.command()
def create(
    role: Annotated[Role, typer.Option(help="What it may do: viewer reads, trader records too, admin everything.")],
    name: Annotated[str | None, typer.Option(help="What the audit log calls it. [the key's id]")] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STRATEGY",
            help="Only for this strategy: id, NAME or TRADER/NAME; may be repeated. A UUID is always an id.",
        ),
    ] = None,
) -> None:
    """Make a key and print it: the only time that it is seen.

    From the first key on, the service refuses requests without one, and may listen beyond the loopback.
    """
    from app.cli.api_keys import create_key

    create_key(role, name, strategy or ())


@keys.command("list")
def list_() -> None:
    """List all keys, revoked ones too, without their secrets."""
    from app.cli.api_keys import list_keys

    list_keys()


@keys.command()
def revoke(
    key_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The key's id.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="The key's name, in place of its id.")] = None,
) -> None:
    """Revoke a key for good, by its id or by its name; running services refuse it in a second or two."""
    key = key_id if name is None else name
    if key is None or (name is not None and key_id is not None):
        raise typer.BadParameter("give either the key's id or --name NAME")
    from app.cli.api_keys import revoke_key

    revoke_key(key, by_name=name is not None)


@db.command()
def upgrade() -> None:
    """Bring the schema up to this release; `serve` does so by itself."""
    from app.cli import maintenance

    maintenance.upgrade()


@db.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write the backup (pg_dump's custom format).")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE if it exists.")] = False,
) -> None:
    """Write everything to FILE, as of one moment; the service may go on meanwhile."""
    from app.cli import maintenance

    maintenance.back_up(file, overwrite=force)


@db.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup that `purser db backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what the database holds now.")] = False,
) -> None:
    """Put FILE's contents in the place of the database's: all of it, or on any failure nothing."""
    from app.cli import maintenance

    maintenance.restore(file, replace=force)


def schema() -> None:
    """Print the GraphQL schema, in SDL."""
    from graphql_schema import schema as graphql_schema

    print(graphql_schema.as_str())
