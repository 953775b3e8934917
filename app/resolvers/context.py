"""What every resolver is given."""

from dataclasses import dataclass, field

from app.database import Database
from app.reads import Lookups


@dataclass(frozen=True, slots=True)
class Context:
    """The process's means: made once, shared by all requests."""

    database: Database
    lookups: Lookups = field(default_factory=Lookups)
