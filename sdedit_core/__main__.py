"""``python -m sdedit_core`` is the same as ``sdedit``."""

import sys

from .cli import main

sys.exit(main())
