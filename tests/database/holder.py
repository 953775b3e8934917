"""A process that uses the embedded server: `python -m tests.database.holder DATA_DIR [USER]`.

Started by root, it becomes USER after the imports, as USER may be unable to read Python's files. It prints `<pid of
the postmaster> <url>` once the server is up, and exits when its standard input is closed.
"""

import os
import pwd
import sys
from pathlib import Path

from app.database.embedded import EmbeddedServer

if __name__ == "__main__":
    if len(sys.argv) > 2:
        user = pwd.getpwnam(sys.argv[2])
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    with EmbeddedServer.start(Path(sys.argv[1]), durable=False) as server:
        print(server.postmaster_pid, server.url, flush=True)
        sys.stdin.read()
