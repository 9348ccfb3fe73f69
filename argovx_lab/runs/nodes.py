"""Argo's map of nodes: unpacking it, and finding attempts, outputs and pods in it.

Owns the shapes of ``status.nodes``. Refuses nothing: what has another shape counts as absent.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import Any

from argovx_lab.model import names
from argovx_lab.runs.shapes import items, mapping, number, parsed, text, texts

Object = dict[str, Any]

_ORDINAL = re.compile(r"\(([0-9]{1,9})\)\Z")

#: Most that compressed nodes are unpacked to. Unit: bytes. Reason: Argo compresses from 1 MB on, and our
#: Workflows have a few nodes for each step; a kernel must not swell for what a neighbour has posted.
NODES_MAX = 8 * 1024 * 1024

#: Most values that unpacked nodes may hold: small ones take twenty times their length in memory.
VALUES_MAX = 500_000


def nodes_of(status: Object) -> dict[str, Object]:
    """Return the status' nodes, unpacking what the controller compressed with gzip."""
    nodes = mapping(status.get("nodes"))
    packed = status.get("compressedNodes")
    if isinstance(packed, str) and packed and not nodes:
        nodes = _unpack(packed)
    return {key: node for key, node in nodes.items() if isinstance(node, dict)}


def _unpack(packed: str) -> Object:
    try:
        unpacker = zlib.decompressobj(wbits=31)
        data = unpacker.decompress(base64.b64decode(packed), NODES_MAX)
    except (binascii.Error, zlib.error, ValueError):
        return {}
    whole = unpacker.eof and sum(map(data.count, (b",", b"{", b"["))) <= VALUES_MAX
    return mapping(parsed(data)) if whole else {}


def outputs_of(outputs: Object) -> dict[str, str]:
    """Return output parameters by name, the exit code among them."""
    values = {text(p.get("name")): _value(p.get("value")) for p in items(outputs.get("parameters"))}
    if outputs.get("exitCode"):
        values["exitCode"] = _value(outputs["exitCode"])
    return values


def _value(value: Any) -> str:
    return str(value) if number(value) is not None else text(value)


def attempts_of(nodes: dict[str, Object], node: Object) -> list[Object]:
    """Return the children of a Retry node that are its attempts, the first one first."""
    if node.get("type") != "Retry":
        return []
    found = [nodes[child] for child in texts(node.get("children")) if child in nodes]
    own = [child for child in found if mapping(child.get("nodeFlag")).get("retried")]
    return sorted(own, key=lambda child: ordinal_of(text(child.get("name"))))


def ordinal_of(name: str) -> int:
    """Return the retry ordinal at the end of a node's name; 0 without one."""
    match = _ORDINAL.search(name)
    return int(match.group(1)) if match else 0


def pod_of(workflow: str, node: Object) -> str:
    """Return the name of a node's pod; empty for nodes that have none."""
    if node.get("type") != "Pod":
        return ""
    reference = mapping(node.get("templateRef"))
    template = text(node.get("templateName")) or text(reference.get("template"))
    return names.pod_name(workflow, text(node.get("name")), template)


def without_ordinal(name: str) -> str:
    """Return a node's name without its retry ordinal."""
    return _ORDINAL.sub("", name)
