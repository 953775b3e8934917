"""Backup and restore, by pg_dump, pg_restore and psql."""

import asyncio
import contextlib
import os
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from app.database.postgres_programs import programs_dir
from app.database.upgrade import connected, refuse_newer_schema
from app.errors import OperationRefused

CHUNK_BYTES = 256 * 1024
_MAGIC = b"PGDMP"
_WITHOUT_OWNERS = ("--no-owner", "--no-privileges")
# A restore begins a new history of changes (app/feed). Rows of another server may have transaction ids in this server's
# future, which the change feed would wait for.
_NEW_HISTORY = b"""
DO $$ BEGIN
    IF to_regclass('public.feed_epoch') IS NOT NULL THEN
        UPDATE public.feed_epoch SET epoch = gen_random_uuid();
        UPDATE public.changes SET xid = pg_current_xact_id() WHERE xid > pg_current_xact_id();
    END IF;
END $$;
"""


async def back_up(url: str, file: Path, *, overwrite: bool = False) -> int:
    """Back up the database to `file`, or not at all; returns bytes. Raises DatabaseUnavailable, OperationRefused."""
    _refuse_existing(file, overwrite=overwrite)
    programs = await _programs_for(url)
    target, secret = _for_libpq(url)
    partial = file.with_name(f"{file.name}.partial")
    try:
        # Created first, because pg_dump would create it with the permissions of the umask.
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        options = ("--format=custom", *_WITHOUT_OWNERS, f"--file={partial}", f"--dbname={target}")
        dump = await _start(programs / "pg_dump", *options, stdout=DEVNULL, secret=secret)
        await _succeed(dump, "pg_dump")
        partial.replace(file)
        return os.stat(file).st_size
    except OSError as error:
        raise OperationRefused(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(partial)


async def restore(url: str, file: Path, *, replace: bool = False) -> None:
    """Replace the contents of the database at `url` with a backup, in one transaction.

    Refused while a Purser is connected, and for a database with rows unless `replace` is true.
    Raises DatabaseUnavailable, DatabaseIncompatible, OperationRefused.
    """
    programs = await _programs_for(url)
    await _refuse_unfit(programs, file)
    await _refuse_in_use(url, replace=replace)
    target, secret = _for_libpq(url)
    script = await _start(programs / "pg_restore", *_WITHOUT_OWNERS, "--file=-", file)
    options = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={target}")
    psql = await _start(programs / "psql", *options, stdin=PIPE, stdout=DEVNULL, secret=secret)
    await _apply(script, psql)


def _refuse_existing(file: Path, *, overwrite: bool) -> None:
    if file.exists() and not overwrite:
        raise OperationRefused(f"{file} exists. Choose another name, or overwrite it with --force.")


async def _apply(script: Process, psql: Process) -> None:
    """Run the script as one transaction, committed only after all of it was read without error."""
    assert script.stdout is not None
    assert psql.stdin is not None
    ending = asyncio.create_task(_succeed(psql, "psql"))
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # psql reports why it ended.
            psql.stdin.write(b"BEGIN;\nDROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n")
            while chunk := await script.stdout.read(CHUNK_BYTES):
                psql.stdin.write(chunk)
                await psql.stdin.drain()
            await _succeed(script, "pg_restore")
            psql.stdin.write(_NEW_HISTORY + b"COMMIT;\n")
    finally:
        psql.stdin.close()
        if script.returncode is None:
            script.kill()
            # Not `wait`, which never returns while the output pipe is full and not read.
            await script.communicate()
        await ending


async def _refuse_unfit(programs: Path, file: Path) -> None:
    """Refuse a file that is not a backup of Purser, is damaged, or was written by a newer release."""
    try:
        with file.open("rb") as opened:
            magic = opened.read(len(_MAGIC))
    except OSError as error:
        raise OperationRefused(f"{file} cannot be read: {error.strerror}.") from error
    if magic != _MAGIC:
        raise OperationRefused(f"{file} is not a backup written by `purser db backup`.")
    versions = await _start(programs / "pg_restore", "--data-only", "--table=alembic_version", "--file=-", file)
    found = re.search(rb"^COPY [^\n]*alembic_version[^\n]*\n(\w+)\n", await _succeed(versions, "pg_restore"), re.M)
    if found is None:
        raise OperationRefused(f"{file} is not a backup of Purser: it has no schema revision.")
    refuse_newer_schema(found[1].decode(), of=str(file))


async def _refuse_in_use(url: str, *, replace: bool) -> None:
    async with connected(url, writes=True) as connection:
        others = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'purser' AND pid <> pg_backend_pid()"
        )
        if others:
            raise OperationRefused(f"A running Purser has {others} connections to the database. Stop it first.")
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'feed_epoch') ORDER BY 1"
        )
        for table in tables:
            if not replace and await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table['name']})"):
                raise OperationRefused(
                    f"The database is not empty ({table['name']} has rows). Back it up, then replace its contents "
                    "with --force."
                )


async def _programs_for(url: str) -> Path:
    """The directory of the programs: the system's if they are new enough for the server, else the packaged ones.

    The packaged ones are new enough for all servers so far, but do not support TLS.
    """
    async with connected(url) as connection:
        server_version = connection.get_server_version().major
    found = {name: shutil.which(name) for name in ("pg_dump", "pg_restore", "psql")}
    if "host=/" in url or not all(found.values()):
        return programs_dir()
    pg_dump = await _start(str(found["pg_dump"]), "--version")
    version = re.search(rb"(\d+)", await _succeed(pg_dump, "pg_dump"))
    is_new_enough = version is not None and int(version[1]) >= server_version
    return Path(str(found["pg_dump"])).parent if is_new_enough else programs_dir()


def _for_libpq(url: str) -> tuple[str, dict[str, str]]:
    """The URL without its password, and the password as an environment variable: arguments are visible to all users."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    query = parse_qsl(parts.query)
    password = unquote(password) or dict(query).get("password", "")
    kept = urlencode([(key, value) for key, value in query if key != "password"])
    stripped = urlunsplit(parts._replace(netloc=f"{name}{at}{hosts}", query=kept))
    # urlunsplit drops the "//" of an empty authority, without which libpq reads no URL.
    if not stripped.startswith(f"{parts.scheme}://"):
        stripped = stripped.replace(f"{parts.scheme}:", f"{parts.scheme}://", 1)
    return stripped, {"PGPASSWORD": password} if password else {}


async def _start(
    *command: str | Path, stdin: int = DEVNULL, stdout: int = PIPE, secret: Mapping[str, str] | None = None
) -> Process:
    """Start a program. It gets the caller's environment, because libpq and asyncpg read parameters there."""
    environment = os.environ | {"LC_ALL": "C", **(secret or {})}
    return await asyncio.create_subprocess_exec(*command, stdin=stdin, stdout=stdout, stderr=PIPE, env=environment)


async def _succeed(process: Process, name: str) -> bytes:
    """The program's output. Raises OperationRefused with its error messages if it fails."""
    assert process.stderr is not None
    reading = asyncio.create_task(process.stderr.read())
    output = await process.stdout.read() if process.stdout is not None else b""
    errors = await reading
    if await process.wait() != 0:
        raise OperationRefused(f"{name} failed:\n{errors.decode(errors='replace').strip()}")
    return output
