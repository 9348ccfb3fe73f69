"""Whether a rule names only what its schema declares, and comes to a bool: what can be told before it runs.

Owns the walk of an expression along a schema; where the schema says nothing, nothing is said.
"""

from __future__ import annotations

from argovx_lab.sandbox.kubernetes.cel import CelError, Tree, unescaped
from argovx_lab.sandbox.kubernetes.custom.structural import HEAD, INT_OR_STRING, Structural

_BOOLS = ("==", "!=", "<", "<=", ">", ">=", "in", "&&", "||")
_PREDICATES = ("all", "exists", "exists_one", "startsWith", "endsWith", "contains", "matches", "isSorted")
#: What is known of a value: its schema, the name of its type, or nothing.
Known = Structural | str | None


def check(tree: Tree, node: Structural) -> None:
    """Refuse with :class:`CelError` a rule that asks for fields that are not declared, or is no condition."""
    found = _type(tree, {"self": node, "oldSelf": node})
    kind = found.type if isinstance(found, Structural) else found
    if kind not in (None, "", "boolean"):
        raise NoCondition("cel expression must evaluate to a bool")


class NoCondition(CelError):
    """A rule that comes to something else than a bool."""


def _type(tree: Tree, known: dict[str, Known]) -> Known:
    if tree.kind == "name":
        return known.get(str(tree.value))
    if tree.kind == "literal":
        names = {bool: "boolean", int: "integer", float: "number", str: "string"}
        return names.get(type(tree.value), "null")
    if tree.kind == "method" and tree.value in ("all", "exists", "exists_one", "filter", "map"):
        return _macro(tree, known)
    if tree.kind == "call" and tree.value == "has":
        _type(tree.below[0], known)
        return "boolean"
    below = [_type(part, known) for part in tree.below]
    if tree.kind == "select":
        return _member(below[0], str(tree.value))
    if tree.kind == "index":
        holder = below[0]
        return (holder.items or holder.values) if isinstance(holder, Structural) else None
    if (tree.kind == "binary" and tree.value in _BOOLS) or (tree.kind == "unary" and tree.value == "!"):
        return "boolean"
    if tree.kind == "method" and tree.value in _PREDICATES:
        return "boolean"
    if tree.kind in ("list", "map"):
        return tree.kind
    if tree.value == "size":
        return "integer"
    return None


def _macro(tree: Tree, known: dict[str, Known]) -> Known:
    holder = _type(tree.below[0], known)
    inner: Known = None
    if isinstance(holder, Structural):
        inner = holder.items if holder.type == "array" else None
    for part in tree.below[2:]:
        _type(part, {**known, str(tree.below[1].value): inner})
    if tree.value in ("filter", "map"):
        return holder if tree.value == "filter" else "list"
    return "boolean"


def _member(holder: Known, name: str) -> Known:
    if not isinstance(holder, Structural) or holder.raw.get(INT_OR_STRING) or not holder.type:
        return None
    if holder.has_head and name in HEAD:
        return None
    inner = holder.child(unescaped(name)) if holder.type == "object" else None
    if inner is None:
        raise CelError(f"undefined field '{name}'")
    return inner
