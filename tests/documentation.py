"""The fenced blocks of the README and of the pages it links to, in reading order."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
NAMES = ("authorizing", "ledger", "graphql", "rest", "security", "operations")
PAGES = ["README.md", *(f"docs/{name}.md" for name in NAMES)]
TEXT = "".join((ROOT / page).read_text() for page in PAGES)


class Block(NamedTuple):
    """`sh` is pasted into a shell, `graphql` into GraphiQL; `text` is the output of a command."""

    language: str
    text: str


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


BLOCKS = blocks_of(TEXT)
