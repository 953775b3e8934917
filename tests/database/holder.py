"""A process that holds the embedded server: `python -m tests.database.holder DATA_DIR [USER]`.

Started by root, it becomes USER after its imports, because that user may not be able to read Python's files. It prints
`<postmaster's pid> <url>` once the server is up, and leaves when its input ends.
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
