"""Training a score model: ``sdedit train``, or :class:`Trainer` and :class:`Run` from Python."""

from .run import Run
from .settings import Settings
from .sources import FunctionSource, Size, TensorSource
from .trainer import Progress, Trainer

__all__ = ["FunctionSource", "Progress", "Run", "Settings", "Size", "TensorSource", "Trainer"]
