"""What a cached step's Workflow says of where its results come from: read, and put into the node. Pure.

It counts only where Argo was told never to run the task: a step that runs is not cached, whatever is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from argovx_lab.model.run import Cached, Output
from argovx_lab.runs.shapes import items, mapping, text, whole

#: The condition of a task that is never run. Source: ``compile.cached``.
NEVER = "false"


def read(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the annotation says of parts and cached results, with exactly these fields and types."""
    about: dict[str, Any] = {}
    if "parts" in entry:
        about["parts"] = {text(name): text(value) for name, value in mapping(entry["parts"]).items()}
    cached = mapping(entry.get("cached"))
    if cached:
        manifest = mapping(cached.get("manifest"))
        about["cached"] = {
            **{key: text(cached.get(key)) for key in ("run", "workflow", "at")},
            "manifest": {key: text(manifest.get(key)) for key in ("uri", "digest")},
            "outputs": [_output(item) for item in items(cached.get("outputs")) if text(item.get("name"))],
        }
    return about


def believed(about: dict[str, Any], task: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step's entry, without what it says of cached results where its task may run."""
    if "cached" not in about or task.get("when") == NEVER:
        return about
    return {key: value for key, value in about.items() if key != "cached"}


def manifest(about: Mapping[str, Any]) -> str:
    """Return the manifest that a cached step's results come from, as Argo's output parameter has it."""
    return json.dumps(mapping(mapping(about.get("cached")).get("manifest")))


def source(about: Mapping[str, Any]) -> Cached | None:
    """Return which execution's results these are; ``None`` where the step is not cached."""
    entry = mapping(about.get("cached"))
    return Cached(entry["run"], entry["workflow"], entry["at"] or None) if entry else None


def outputs(about: Mapping[str, Any]) -> tuple[Output, ...]:
    """Return the results of a cached step."""
    return tuple(Output(**item, state="ready") for item in about["cached"]["outputs"])


def _output(item: Mapping[str, Any]) -> dict[str, Any]:
    texts = {key: text(item.get(key)) for key in ("name", "codec", "summary", "digest", "uri")}
    return {**texts, "size_bytes": whole(item.get("size_bytes"))}
