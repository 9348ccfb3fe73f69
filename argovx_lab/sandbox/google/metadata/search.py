"""What metadata lists filter and sort by.

Owns the documented fields of each kind and the relations ``in_context``, ``parent_contexts`` and
``child_contexts``. Labels are not in the documented list, so they are refused.
Source: ListArtifactsRequest.filter and its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from argovx_lab.sandbox.google.errors import invalid
from argovx_lab.sandbox.google.fields import Fields
from argovx_lab.sandbox.google.filters import Call, Comparison, Leaf
from argovx_lab.sandbox.google.metadata.graph import Graph
from argovx_lab.sandbox.google.names import Project

_COMMON = {
    "name": "string",
    "display_name": "string",
    "schema_title": "string",
    "create_time": "time",
    "update_time": "time",
    "metadata": "struct",
}
_ORDER = ("name", "display_name", "schema_title", "create_time", "update_time", "state", "uri")
_STATE = {"state": "enum"}
#: Kind of node → what its list takes.
FIELDS: Mapping[str, Fields] = {
    "context": Fields({**_COMMON, "parent_contexts": "list", "child_contexts": "list"}, _ORDER[:5]),
    "execution": Fields({**_COMMON, **_STATE}, _ORDER[:6], ("in_context",)),
    "artifact": Fields({**_COMMON, **_STATE, "uri": "string"}, _ORDER, ("in_context",)),
}


def leaf(fields: Fields, graph: Graph, project: Project) -> Leaf:
    """Return the function that decides one comparison or call for one node."""

    def decide(part: Comparison | Call, node: Mapping[str, Any]) -> bool:
        if isinstance(part, Call):
            return graph.is_member(_name(project, part.argument), node["name"])
        # names may be written with the project's id
        part = replace(part, values=tuple(project.canonical(value) for value in part.values))
        if part.field == "child_contexts":
            found = set(graph.children(node["name"]))
            return any(value in found for value in part.values)
        return fields.compare(part, node)

    return decide


def _name(project: Project, argument: str) -> str:
    if not argument.startswith("projects/"):
        raise invalid(
            f"Invalid filter: in_context() takes a full resource name, not '{argument}'.", ["filter"]
        )
    return project.canonical(argument)
