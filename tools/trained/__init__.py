"""A trained landscape model for the built-in default: rendered, trained and compared by one command.

What is measured, and the rule for the default, stand in ``benchmarks``; the training is that of ``sdedit train``.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
