"""Exported files: written whole, and never over somebody else's."""

import pytest

from argovx_lab.errors import SpecError
from argovx_lab.notebook.export import _write
from argovx_lab.notebook.words import Word


def test_a_file_that_appeared_meanwhile_stays(tmp_path):
    file = tmp_path / "flow.yaml"
    _write(Word("flow.yaml", 8), file, "one", over=False)
    with pytest.raises(SpecError, match=r"column 8: .*flow\.yaml is there already"):
        _write(Word("flow.yaml", 8), file, "two", over=False)
    assert file.read_text() == "one"
    _write(Word("flow.yaml", 8), file, "three", over=True)
    assert file.read_text() == "three"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    file = tmp_path / "none" / "flow.yaml"
    for over in (False, True):
        with pytest.raises(SpecError, match="cannot be written"):
            _write(Word("flow.yaml", 8), file, "one", over=over)
