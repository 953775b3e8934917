"""What every resolver is given."""

from dataclasses import dataclass

from app.database import Database


@dataclass(frozen=True, slots=True)
class Context:
    """The process's means: made once, shared by all requests."""

    database: Database
