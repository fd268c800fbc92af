"""What was found in a checkpoint: the common ground of all formats."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from ..networks import Spec
from ..networks.preconditioning import Preconditioning

ONLY_SET = "the file's only set"


@dataclass
class Found:
    """A recognised checkpoint: the network to build, its weights in canonical form, how to read its output.

    The network's input is ``gain * c_in * x + offset``; ``size`` is the native height and width, one
    number when they are equal.  ``centred``: gain and offset bring the data range to [-1, 1], whatever it is; else the
    file says them.
    """

    format: str
    architecture: str
    spec: Spec
    weights: dict[str, Tensor]
    preconditioning: Preconditioning
    which: str = ONLY_SET
    gain: float = 1.0
    offset: float = 0.0
    centred: bool = True
    size: int | tuple[int, int] | None = None
    name: str = ""
    detected: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    source: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def sides(self) -> tuple[int, int] | None:
        """Native height and width, or None."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size
