"""The source document ``argovx.source/1``: the cell, what travels with it, and where it came from.

Owns the file name under which a cell runs. Line 1 of a step cell is the magic itself, so that the
lines of a traceback are those that the user sees; its text is left out: flags are no code.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Sequence
from typing import Any

from argovx_lab.model.step import canonical

SCHEMA = "argovx.source/1"


def source_filename(name: str, notebook: str = "", cell_number: int = 0) -> str:
    """Return the file name that maps back to the cell, such as ``digits.ipynb cell 7 (train)``."""
    parts = [posixpath.basename(notebook), f"cell {cell_number}" if cell_number else "cell", f"({name})"]
    return " ".join(part for part in parts if part)


def source_document(
    name: str,
    cell: str,
    *,
    definitions: Sequence[dict[str, Any]] = (),
    notebook: str = "",
    cell_id: str = "",
    cell_number: int = 0,
    first_line: int = 2,
) -> dict[str, Any]:
    """Return the document.

    Parameters
    ----------
    name : str
        Name of the step.
    cell : str
        The cell's text below the magic.
    definitions : sequence of dict
        ``{code, notebook_cell, number}`` in the order in which they run.
    first_line : int
        Line of the notebook cell at which ``cell`` begins, from 1.
    """
    return {
        "schema": SCHEMA,
        "filename": source_filename(name, notebook, cell_number),
        "cell": "\n" * (first_line - 1) + cell,
        "definitions": [dict(item) for item in definitions],
        "notebook": notebook,
        "cell_id": cell_id,
        "cell_number": cell_number,
    }


def encode_source(document: dict[str, Any]) -> tuple[bytes, str]:
    """Return the canonical bytes of a source document and their SHA-256, hexadecimal."""
    data = canonical(document)
    return data, hashlib.sha256(data).hexdigest()
