"""Where in an epoch a training is, with the sums that its row is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Position:
    """The number of batches done in an epoch, and sums over their samples.

    ``order`` is the state of the random generator before it drew the order of the samples, from which the
    order can be drawn again: it is far smaller than the order itself.
    """

    order: dict[str, Any] = field(default_factory=dict)
    examples: int = 0
    batch_size: int = 0
    batches: int = 0
    samples: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)

    def add(self, samples: int, means: Mapping[str, float]) -> None:
        """Add what was measured on one batch."""
        self.batches += 1
        self.samples += samples
        for name, mean in means.items():
            self.sums[name] = self.sums.get(name, 0.0) + samples * mean

    def means(self) -> dict[str, float]:
        """Return the means over all samples so far."""
        return {name: total / self.samples for name, total in self.sums.items()}
