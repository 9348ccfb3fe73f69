"""A run in words for places without pictures: terminals, logs, plain outputs."""

from __future__ import annotations

from datetime import UTC, datetime

from argovx_lab.model.run import Node, Phase

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
    line = node.line
    if node.stop is not None and node.stop.at:
        line = f"{line}, {local_time(node.stop.at)}"
    if node.cached is not None and node.cached.at:
        line = f"{line}, {local_time(node.cached.at)}"
    parts = [f"{SIGNS[node.phase]} {node.name}", node.phase.value, line, time]
    return " · ".join(part for part in parts if part)


def local_time(text: str | None) -> str:
    """Return a moment of the wire (RFC 3339, UTC) as this machine's clock shows it; empty for none."""
    return _moment(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else ""


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
