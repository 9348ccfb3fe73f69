"""Which notebook a kernel belongs to, with names that files and texts do not have."""

from __future__ import annotations

import os

import pytest

from argovx_lab.model import names
from argovx_lab.model.layout import Layout
from argovx_lab.wiring.place import NotebookPlace, notebook_place


@pytest.mark.parametrize("variable", ["ARGOVX_NOTEBOOK", "JPY_SESSION_NAME"])
def test_a_name_too_long_for_a_file_is_a_name_without_a_file(monkeypatch, variable):
    monkeypatch.delenv("ARGOVX_NOTEBOOK", raising=False)
    name = "x" * 300 + ".ipynb"
    monkeypatch.setenv(variable, name)
    assert notebook_place() == NotebookPlace(name, None)


def test_a_name_that_is_no_text_is_told_with_escapes_and_its_file_is_found(monkeypatch, tmp_path):
    named = os.path.join(os.fsencode(tmp_path), b"bad\xff.ipynb")
    with open(named, "w") as file:
        file.write("{}")
    monkeypatch.setenv("ARGOVX_NOTEBOOK", os.fsdecode(named))
    place = notebook_place()
    assert place.path == str(tmp_path / "bad") + r"\udcff.ipynb"
    assert place.file is not None
    assert place.file.read_text() == "{}"


def test_such_a_name_names_a_run(monkeypatch):
    monkeypatch.setenv("ARGOVX_NOTEBOOK", "bad\udcff.ipynb")
    place = notebook_place()
    assert names.slug(place.path).startswith("bad-udcff-ipynb-")
    alias = Layout("b", "ada").current_run(place.path)
    assert alias.endswith("/current-run")
