"""The page about the sandbox says what the code does."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.argo.fields import REFUSED
from argovx_lab.sandbox.faults import KINDS, Fault
from argovx_lab.sandbox.google import fidelity
from argovx_lab.sandbox.google.permissions import PERMISSIONS
from argovx_lab.sandbox.settings import Settings

PAGE = Path(fidelity.__file__).resolve().parents[3] / "docs" / "sandbox.md"


def test_the_generated_block_is_fresh():
    text = PAGE.read_text()
    assert fidelity.replaced(text, fidelity.tables()) == text, (
        "stale: run python -m argovx_lab.sandbox.google.fidelity docs/sandbox.md"
    )


def test_the_block_tells_answered_from_refused():
    row = next(line for line in fidelity.tables().splitlines() if ".JobService`" in line)
    _, _, answered, refused, _ = row.split("|")
    assert "CreateCustomJob [`aiplatform.customJobs.create`]" in answered
    assert "CreateNasJob" in refused
    assert "CustomJob" not in refused


def test_what_differs_is_said_of_methods_that_are_answered():
    text = fidelity.tables()
    for name, difference in fidelity.DIFFERENCES.items():
        assert f"| `{name}` | {difference} |" in text
        assert any(path.endswith(f".{name.replace('.', '/')}") for path in PERMISSIONS), name


def test_writing_the_page_changes_the_block_only(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{fidelity.BEGIN}\nold\n{fidelity.END}\nafter\n")
    fidelity.main(str(page))
    text = page.read_text()
    assert text.startswith(f"before\n{fidelity.BEGIN}\n#### RPCs")
    assert text.endswith(f"\n{fidelity.END}\nafter\n")
    with pytest.raises(SandboxError, match="no generated block"):
        fidelity.replaced("nothing", "")


@pytest.mark.parametrize(
    "names",
    [
        [f"`{name}`" for name in REFUSED],
        [*(f"`{field.name}`" for field in fields(Fault) if field.init), *(f"`{kind}`" for kind in KINDS)],
        [f"`{name}" for name in Settings().to_dict() if name != "images"],
    ],
    ids=["argo", "faults", "settings"],
)
def test_hand_written_lists_name_everything(names):
    text = PAGE.read_text()
    assert [name for name in names if name not in text] == []
