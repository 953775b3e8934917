"""Media types: which one the client can read, and whether we can read what it sent."""

from enum import StrEnum


class MediaType(StrEnum):
    """What an answer may be."""

    GRAPHQL = "application/graphql-response+json"
    JSON = "application/json"


def negotiate(accept: str | None) -> MediaType | None:
    """The best of the types that an Accept header takes; None where it takes none.

    Of equal qualities the type that is named wins, GRAPHQL if both are, JSON if neither is.
    """
    if accept is None or not accept.strip():
        return MediaType.JSON
    ranges = [found for part in accept.split(",") if (found := _range(part)) is not None]
    best: tuple[float, int, int] = (0.0, 0, 0)
    chosen = None
    for preference, media_type in enumerate((MediaType.JSON, MediaType.GRAPHQL)):
        matching = [one for one in ranges if one[0] in (media_type, "application/*", "*/*")]
        if not matching:
            continue
        name, quality = max(matching, key=lambda one: _specificity(one[0]))
        is_named = _specificity(name) == 2
        rank = (quality, int(is_named), preference if is_named else 1 - preference)
        if quality > 0 and rank > best:
            best, chosen = rank, media_type
    return chosen


def names_event_stream(accept: str | None) -> bool:
    """Whether an Accept header names text/event-stream; ranges like */* do not mean it."""
    ranges = [found for part in (accept or "").split(",") if (found := _range(part)) is not None]
    return any(name == "text/event-stream" and quality > 0 for name, quality in ranges)


def is_json(content_type: str | None) -> bool:
    """Whether a request's body is JSON in UTF-8."""
    name, *parameters = (content_type or "").split(";")
    if name.strip().lower() != MediaType.JSON:
        return False
    charsets = [value for key, value in map(_parameter, parameters) if key == "charset"]
    return all(charset in ("utf-8", "utf8") for charset in charsets)


def _range(part: str) -> tuple[str, float] | None:
    """A media range and its quality, from 0 to 1. None for one in an encoding we do not write."""
    name, *rest = part.split(";")
    quality = 1.0
    for key, value in map(_parameter, rest):
        if key == "q":
            quality = _quality(value)
        elif key == "charset" and value not in ("utf-8", "utf8", "*"):
            return None
    return name.strip().lower(), quality


def _quality(text: str) -> float:
    is_number = text.replace(".", "", 1).isdigit() and text.isascii() and len(text) <= 5
    return min(float(text), 1.0) if is_number else 0.0


def _parameter(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key.strip().lower(), value.strip().strip('"').lower()


def _specificity(name: str) -> int:
    return 0 if name == "*/*" else 1 if name.endswith("/*") else 2
