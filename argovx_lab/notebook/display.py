"""What stands under a cell: one bundle that every front end can show.

Owns the bundle ``application/vnd.argovx.run+json`` and its fallbacks in HTML (no script) and plain text.
All words of a run are hostile text here: they are escaped, never interpreted.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from argovx_lab.codecs import size_text
from argovx_lab.model.run import Node, Run, to_json
from argovx_lab.runs.words import state_line

MIME = "application/vnd.argovx.run+json"


def bundle(run: Run, node: Node) -> dict[str, Any]:
    """Return the MIME bundle for one step of a run."""
    snapshot = to_json(run)
    snapshot["nodes"] = [to_json(node)]
    snapshot["edges"] = []
    data = {
        "schema": 1,
        "run": run.id,
        "node": node.id,
        "profile": run.profile,
        "namespace": run.namespace,
        "snapshot": snapshot,
    }
    text = state_line(node)
    return {MIME: data, "text/html": _html(run, node), "text/plain": text}


def notes(texts: Iterable[str]) -> dict[str, Any]:
    """Return the MIME bundle of what the user should know of a step that was submitted."""
    return _small([f"note: {text}" for text in texts])


def line(text: str) -> dict[str, Any]:
    """Return the MIME bundle of one small line."""
    return _small([text])


def _small(lines: list[str]) -> dict[str, Any]:
    body = "".join(f"<div><small>{escape(text)}</small></div>" for text in lines)
    return {"text/html": body, "text/plain": "\n".join(lines)}


def _html(run: Run, node: Node) -> str:
    rows = "".join(
        f"<li><b>{escape(output.name)}</b> {escape(output.summary or output.codec)}"
        f" {escape(size_text(output.size_bytes)) if output.size_bytes else ''}"
        f" <code>{escape(output.digest[:8])}</code></li>"
        for output in node.outputs
        if output.state == "ready"
    )
    note = f"<div><small>{escape(run.note)}</small></div>" if run.note else ""
    outputs = f"<ul>{rows}</ul>" if rows else ""
    return f"<div><div>{escape(state_line(node))}</div>{outputs}{note}</div>"
