"""API keys as text: `purser_<id>_<secret>`. The id names the key and is no secret; the secret is 256 random bits."""

import hmac
import re
import secrets
from hashlib import sha256
from typing import NamedTuple

_ID_BYTES = 8
_SECRET_BYTES = 32
_KEY = re.compile(f"purser_([0-9a-f]{{{2 * _ID_BYTES}}})_([0-9a-f]{{{2 * _SECRET_BYTES}}})")
# A name of this form could be mistaken for the id of a key, or it is a key that was pasted into the wrong field.
_LIKE_A_KEY = re.compile(f"(purser_.*|[0-9a-f]{{{2 * _ID_BYTES}}})", re.IGNORECASE)


class KeyText(NamedTuple):
    """The parts of a key, in hexadecimal digits. The digits need no quoting, and a double click selects them."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"purser_{self.id}_{self.secret}"


def new_key() -> KeyText:
    """A new random key."""
    return KeyText(secrets.token_hex(_ID_BYTES), secrets.token_hex(_SECRET_BYTES))


def read_key(text: str) -> KeyText | None:
    """The parts of a key; None if the text is not a key."""
    found = _KEY.fullmatch(text)
    return KeyText(*found.groups()) if found else None


def is_like_a_key(name: str) -> bool:
    """Whether a name looks like a key or like the id of a key."""
    return _LIKE_A_KEY.fullmatch(name.strip()) is not None


def hash_of(secret: str) -> str:
    """The stored hash of a secret. 256 random bits cannot be guessed, so a fast hash is enough."""
    return sha256(secret.encode()).hexdigest()


def is_secret_of(secret: str, stored_hash: str) -> bool:
    """Whether the secret has this hash. The comparison takes the same time for every secret."""
    return hmac.compare_digest(hash_of(secret), stored_hash)
