"""The command `purser`: `commands` has the command line, the other modules what runs; this one says how they end.

Exit codes: 0 done; 1 refused or failed, and stderr says why; 2 the command line or a setting is wrong;
3 some lines of an import were refused; 130 interrupted.
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
    epilog="Settings are environment variables PURSER_*; README.md lists them.",
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
    """The entry point: expected failures become one message on stderr, never a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        cli()
    except SettingsInvalid as error:
        _complain(error, MISUSED)
    except PurserError as error:
        _complain(error, FAILED)
    except Exception as error:
        if not _is_of_postgres(error):
            raise
        # Rights that the role lacks, a lock that somebody holds: PostgreSQL says it best.
        _complain(f"PostgreSQL refused: {error}", FAILED)


def _is_of_postgres(error: Exception) -> bool:
    """Whether PostgreSQL raised it; where asyncpg is not loaded, nothing has asked PostgreSQL."""
    asyncpg = sys.modules.get("asyncpg")
    return asyncpg is not None and isinstance(error, asyncpg.PostgresError)


def _complain(error: PurserError | str, exit_code: int) -> None:
    print(f"purser: {error}", file=sys.stderr)
    sys.exit(exit_code)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends a command as Ctrl-C does: what was opened is closed on the way out."""
    raise KeyboardInterrupt


def _say_version(asked: bool) -> None:
    if asked:
        print(f"purser {version('purser')}")
        raise typer.Exit


@cli.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and leave."),
    ] = False,
) -> None:
    pass
