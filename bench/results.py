"""The result of a benchmark."""

from dataclasses import dataclass
from statistics import median
from typing import ClassVar


@dataclass(frozen=True)
class Comparison:
    """Purser against a peer, round by round; figures are per second. The ratio is the median over the rounds."""

    COLUMNS: ClassVar[list[str]] = ["what", "Purser", "against", "figure of the peer", "ratio", "required ratio"]

    what: str
    how: str
    unit: str
    against: str
    ours: list[float]
    theirs: list[float]
    ratio_min: float | None = None

    @property
    def ratio(self) -> float:
        """How many times as fast Purser is."""
        return median(mine / other for mine, other in zip(self.ours, self.theirs, strict=True))

    def cells(self) -> list[str]:
        """The row of the table, in the order of COLUMNS."""
        return [
            self.what,
            f"{median(self.ours):,.0f} {self.unit}",
            self.against,
            f"{median(self.theirs):,.0f} {self.unit}",
            f"{self.ratio:.2f}",
            "" if self.ratio_min is None else f"{self.ratio_min:.2f}",
        ]
