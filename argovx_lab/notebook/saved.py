"""The notebook as its file has it: may be older than what is on screen, or not be there at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from argovx_lab.capture.notebook import code_cells
from argovx_lab.errors import SpecError


def saved_cells(file: Path | None) -> list[tuple[str, str]]:
    """Return ``(cell id, text)`` of a notebook file's code cells; none when it cannot be read."""
    try:
        return code_cells(saved_document(file))
    except SpecError:
        return []


def saved_document(file: Path | None) -> Any:
    """Return what a notebook file holds; ``None`` when it cannot be read."""
    try:
        return json.loads(file.read_text()) if file is not None else None
    except (OSError, ValueError, RecursionError):
        return None


def saved_ids(file: Path | None) -> frozenset[str]:
    """Return the ids of a notebook file's code cells, as far as they have some."""
    return frozenset(cell_id for cell_id, _ in saved_cells(file) if cell_id)
