"""A program that imports the modules of all commands once, and forks for each command, which saves its import time.

A forked command is a process of its own, with real exit status, signals, arguments, environment and output. It calls
`app.cli.run` as the installed script does. `tests.cli.processes` runs this program.

Requests arrive on the socket whose number is the argument: arguments and environment as JSON, with the descriptors for
stdout, stderr and the exit status. The response is the pid; the exit status is written when the process ends.
"""

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys

_LOADED = ("api_keys", "demo", "importing", "maintenance", "serving", "streaming", "verifying", "worker")
_REQUEST_BYTES_MAX = 128 * 1024


def serve(control: socket.socket) -> None:
    """Forks for each request. Returns only in forked processes; the server process exits with its client."""
    statuses: dict[int, int] = {}
    ended, wakeup = socket.socketpair()
    with control, ended, wakeup, selectors.DefaultSelector() as selector:
        wakeup.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup.fileno())
        selector.register(control, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is ended:
                    ended.recv(4096)
                    _report_exits(statuses)
                    continue
                request, descriptors, _, _ = socket.recv_fds(control, _REQUEST_BYTES_MAX, 3)
                if not request:
                    os._exit(0)
                stdout, stderr, status = descriptors
                if not (pid := os.fork()):
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    _take_over(*json.loads(request), stdout, stderr)
                    for descriptor in (*descriptors, *statuses.values()):
                        os.close(descriptor)
                    return
                os.close(stdout)
                os.close(stderr)
                statuses[pid] = status
                control.send(str(pid).encode())


def _report_exits(statuses: dict[int, int]) -> None:
    for pid in list(statuses):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            descriptor = statuses.pop(pid)
            os.write(descriptor, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(descriptor)


def _take_over(arguments: list[str], environment: dict[str, str], stdout: int, stderr: int) -> None:
    sys.argv[1:] = arguments
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)


if __name__ == "__main__":
    from app.cli import run

    for module in _LOADED:
        importlib.import_module(f"app.cli.{module}")
    importlib.import_module("app.main")
    gc.freeze()
    inherited = socket.socket(fileno=int(sys.argv[1]))
    sys.argv[:] = [os.path.join(os.path.dirname(sys.executable), "purser")]
    serve(inherited)
    run()
