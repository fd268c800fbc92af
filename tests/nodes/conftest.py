"""The node pack, imported the way ComfyUI does, without ComfyUI: as a package, never through sys.path."""

import pytest

from pack import load_pack


@pytest.fixture(scope="session")
def pack():
    return load_pack()
