"""Files are whole or not there."""

import pytest

from sdedit_core.pictures.files import write_file


def test_files_are_written_whole_or_not_at_all(tmp_path):
    write_file(tmp_path / "a.csv", "one")
    write_file(tmp_path / "a.csv", b"two")
    assert (tmp_path / "a.csv").read_text() == "two" and [p.name for p in tmp_path.iterdir()] == ["a.csv"]
    with pytest.raises(ValueError, match="does not exist"):
        write_file(tmp_path / "no" / "a.csv", "one")
    with pytest.raises(ValueError, match="folder"):
        write_file(tmp_path, "one")
