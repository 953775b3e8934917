"""The GraphQL documents of the client, read from `documents/*.graphql`."""

import re
from functools import cache
from importlib.resources import files

_DEFINITION = re.compile(r"^(?=(?:query|mutation|subscription|fragment) )", re.MULTILINE)
_COMMENT = re.compile(r"^#.*\n", re.MULTILINE)
_SPREAD = re.compile(r"\.\.\.(\w+)")


@cache
def document_of(operation: str) -> str:
    """The document of an operation: its definition, and those of the fragments that it uses."""
    definitions = _definitions()
    wanted = [f"{operation}()"]
    for name in wanted:
        wanted += [used for used in _SPREAD.findall(definitions[name]) if used not in wanted]
    return "\n".join(definitions[name] for name in dict.fromkeys(wanted))


@cache
def _definitions() -> dict[str, str]:
    """All definitions: a fragment by its name, an operation by its name and `()`, since names of both may be equal."""
    found: dict[str, str] = {}
    for path in sorted(files(__package__).joinpath("documents").iterdir(), key=lambda one: one.name):
        for text in _DEFINITION.split(_COMMENT.sub("", path.read_text()))[1:]:
            kind, name = re.split(r"[ ({]", text, maxsplit=2)[:2]
            found[name if kind == "fragment" else f"{name}()"] = " ".join(text.split())
    return found
