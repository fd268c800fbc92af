"""``python -m landscapes``, with ``tools/`` as the current folder."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
