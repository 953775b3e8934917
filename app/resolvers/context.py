"""What every resolver is given."""

from dataclasses import dataclass, field

from app.database import Database
from app.feed import Feed, Registry
from app.reads import Lookups


@dataclass(frozen=True, slots=True)
class Context:
    """The process's means: made once, shared by all requests.

    Whoever commits a change calls `feed.wake()` after it.
    """

    database: Database
    lookups: Lookups = field(default_factory=Lookups)
    feed: Feed = field(default_factory=Feed)
    registry: Registry = field(default_factory=Registry)
