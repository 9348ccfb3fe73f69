"""What stands under a cell: one bundle that every front end can show.

Owns the bundle ``application/vnd.argovx.run+json`` and its fallbacks in HTML (no script) and plain text.
All words of a run are hostile text here: they are escaped, never interpreted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any

from argovx_lab.codecs import size_text
from argovx_lab.model.run import Node, Phase, Run, to_json

MIME = "application/vnd.argovx.run+json"

#: State without colour: one sign per phase.
SIGNS = {
    Phase.PLANNED: "◌",
    Phase.QUEUED: "○",
    Phase.PROVISIONING: "◔",
    Phase.RUNNING: "◑",
    Phase.UPLOADING: "◕",
    Phase.SUCCEEDED: "✓",
    Phase.CACHED: "↯",
    Phase.FAILED: "✕",
    Phase.STOPPED: "⊘",
    Phase.WAITING: "✋",
    Phase.SKIPPED: "–",
}


def elapsed(node: Node, now: datetime) -> str:
    """Return the time since the step was queued as ``m:ss``; empty when it has not been."""
    if not node.times.queued_at:
        return ""
    end = _moment(node.times.finished_at) if node.times.finished_at else now
    seconds = max(0, int((end - _moment(node.times.queued_at)).total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02d}"


def state_line(node: Node, now: datetime | None = None) -> str:
    """Return the step's state as one line: sign, name, phase, details, time."""
    time = elapsed(node, now or datetime.now(UTC))
    parts = [f"{SIGNS[node.phase]} {node.name}", node.phase.value, node.line, time]
    return " · ".join(part for part in parts if part)


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


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
