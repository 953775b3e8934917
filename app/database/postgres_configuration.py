"""The embedded server's configuration: durable, sized for the machine, reachable through its Unix socket only."""

from contextlib import suppress
from pathlib import Path

import psutil

CONNECTIONS_MAX = 100
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
