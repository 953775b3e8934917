"""The command `purser`: `commands` defines the command line, the other modules implement the commands.

Exit codes: 0 success; 1 refused or failed, with the reason on stderr; 2 invalid command line or setting;
3 an import or a stream refused some messages; 130 interrupted.
"""

import signal
import sys
from types import FrameType

from app.cli.commands import FAILED, MISUSED, cli
from app.errors import PurserError, SettingsInvalid


def run() -> None:
    """The entry point. Expected errors become one message on stderr, without a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        cli()
    except PurserError as error:
        _exit_with(error, MISUSED if isinstance(error, SettingsInvalid) else FAILED)
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
