"""The command `purser`: `commands` defines the command line, the other modules implement the commands.

Exit codes: 0 success; 1 refused or failed, with the reason on stderr; 2 invalid command line or setting;
3 an import refused some lines; 130 interrupted.
"""

import signal
import sys
from importlib.metadata import version
from types import FrameType
from typing import Annotated

import typer

from app.cli import commands
from app.cli.exit_codes import FAILED, MISUSED
from app.errors import PurserError, SettingsInvalid

cli = typer.Typer(
    name="purser",
    help="Purser: the operations API for algorithmic trading.",
    epilog="Settings are environment variables PURSER_*; docs/operations.md lists them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.command("serve")(commands.serve)
cli.command("import")(commands.import_)
cli.command("verify")(commands.verify)
cli.command("schema")(commands.schema)
cli.add_typer(commands.keys)
cli.add_typer(commands.db)


def run() -> None:
    """The entry point. Expected errors become one message on stderr, without a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        cli()
    except SettingsInvalid as error:
        _exit_with(error, MISUSED)
    except PurserError as error:
        _exit_with(error, FAILED)
    except Exception as error:
        if not _is_of_postgres(error):
            raise
        # A missing privilege or a lock timeout: PostgreSQL's own message is the best one.
        _exit_with(f"PostgreSQL refused: {error}", FAILED)


def _is_of_postgres(error: Exception) -> bool:
    """Whether PostgreSQL raised the error. Without asyncpg loaded, no statement was sent."""
    asyncpg = sys.modules.get("asyncpg")
    return asyncpg is not None and isinstance(error, asyncpg.PostgresError)


def _exit_with(error: PurserError | str, exit_code: int) -> None:
    print(f"purser: {error}", file=sys.stderr)
    sys.exit(exit_code)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends a command like Ctrl-C: everything opened is closed on the way out."""
    raise KeyboardInterrupt


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
