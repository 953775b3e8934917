"""Fetches the documentation pages' scripts from npm into `rest_compat/static`, with their licences.

    python -m rest_compat.vendor            the versions below
    python -m rest_compat.vendor --latest   what npm calls latest; then set the versions below and commit both

Needs npm on the PATH; only whoever changes the versions runs this. See
docs/adr/0003-documentation-pages-offline.md.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

STATIC = Path(__file__).with_name("static")

PACKAGES = {"swagger-ui-dist": "5.35.0", "redoc": "2.5.4"}
FILES = {
    "swagger-ui-dist": {
        "swagger-ui-bundle.js": "swagger-ui-bundle.js",
        "swagger-ui.css": "swagger-ui.css",
        "favicon-32x32.png": "favicon-32x32.png",
        "LICENSE": "swagger-ui.LICENSE.txt",
        "NOTICE": "swagger-ui.NOTICE.txt",
        "swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-bundle.js.LICENSE.txt",
    },
    "redoc": {
        "bundles/redoc.standalone.js": "redoc.standalone.js",
        "bundles/redoc.standalone.js.LICENSE.txt": "redoc.standalone.js.LICENSE.txt",
        "LICENSE": "redoc.LICENSE.txt",
    },
}
# Redoc shows its maker's logo from its maker's server. An empty picture fails to load, and it hides the
# element.
REMOTE_PICTURES = {b"https://cdn.redoc.ly/redoc/logo-mini.svg": b"data:,"}


def fetch(name: str, version: str) -> str:
    """Unpack one package's files into `static`; answers the version that npm gave."""
    with tempfile.TemporaryDirectory() as directory:
        packed = subprocess.run(
            ["npm", "pack", "--json", f"{name}@{version}"], cwd=directory, check=True, capture_output=True
        )
        described = json.loads(packed.stdout)[0]
        with tarfile.open(Path(directory, described["filename"])) as archive:
            for source, target in FILES[name].items():
                member = archive.extractfile(f"package/{source}")
                assert member is not None, f"{name} has no {source}"
                content = member.read()
                for address, replacement in REMOTE_PICTURES.items():
                    content = content.replace(address, replacement)
                (STATIC / target).write_bytes(content)
        return str(described["version"])


if __name__ == "__main__":
    STATIC.mkdir(exist_ok=True)
    wanted = dict.fromkeys(PACKAGES, "latest") if "--latest" in sys.argv[1:] else PACKAGES
    print({name: fetch(name, version) for name, version in wanted.items()})
