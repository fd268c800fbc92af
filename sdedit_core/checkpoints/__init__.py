"""Public score checkpoints: recognise, read safely, convert.  See docs/checkpoints.md."""

from .convert import convert_checkpoint
from .load import EXTENSIONS, inspect_checkpoint, load_checkpoint
from .overrides import Overrides

__all__ = ["EXTENSIONS", "Overrides", "convert_checkpoint", "inspect_checkpoint", "load_checkpoint"]
