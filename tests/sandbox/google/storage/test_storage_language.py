"""The conformance scripts of Cloud Storage speak the vendors' clients' language only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = next(p for p in Path(__file__).parents if p.name == "tests") / "conformance" / "google" / "storage"
SCRIPTS = sorted([*FOLDER.glob("test_*.py"), *FOLDER.glob("scripts/*.py")])
#: What would make a script one of ours, or of this machine.
FOREIGN = re.compile(r"argovx|localhost|127\.0\.0|\[::1\]|STORAGE_EMULATOR_HOST|api_endpoint", re.IGNORECASE)


def test_there_are_scripts():
    assert len(SCRIPTS) > 8


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_word_of_ours(script):
    assert [line for line in script.read_text().splitlines() if FOREIGN.search(line)] == []
