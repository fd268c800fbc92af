"""``python -m sdedit_core`` is the same as ``sdedit``."""

import sys

from .cli.main import main

sys.exit(main())
