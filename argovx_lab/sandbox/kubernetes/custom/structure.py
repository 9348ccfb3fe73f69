"""What makes a schema structural, and what the real server refuses in one that is not.

Owns the check of schemas when a definition is written. What the real server takes and the sandbox does not
check is refused here, too, and says so. Costs of rules are not estimated.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.cel import NOT_RE2, CelError
from argovx_lab.sandbox.kubernetes.custom import validation
from argovx_lab.sandbox.kubernetes.custom.declared import NoCondition, check
from argovx_lab.sandbox.kubernetes.custom.expressions import REASONS, program
from argovx_lab.sandbox.kubernetes.custom.formats import REFUSED
from argovx_lab.sandbox.kubernetes.custom.structural import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_TYPE,
    MAP_KEYS,
    PRESERVE,
    RULES,
    Structural,
    prune,
)
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.status import Cause

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_MAP_TYPE = "x-kubernetes-map-type"
#: What has no place in a structural schema.
_UNSUPPORTED = (
    "$ref",
    "$schema",
    "additionalItems",
    "definitions",
    "dependencies",
    "id",
    "patternProperties",
)
#: What has no place below anyOf, allOf, oneOf and not.
_ONLY_OUTSIDE = (
    "title", "description", "default", "type", "nullable", "additionalProperties",
    PRESERVE, EMBEDDED, INT_OR_STRING, LIST_TYPE, MAP_KEYS, _MAP_TYPE, RULES,
)  # fmt: skip
_EITHER = [{"type": "integer"}, {"type": "string"}]


def problems(raw: Object, path: str, *, root: bool = False, lost: str = "") -> Iterator[Cause]:
    """Yield why a schema cannot be that of a definition.

    Parameters
    ----------
    lost : str
        The list above whose items cannot be told apart over an update; empty when there is none.
    """
    if root or raw.get("$ref") is None:
        yield from _root(raw, path) if root else _kind(raw, path)
    for name in _UNSUPPORTED:
        if raw.get(name) is not None:
            yield status.not_allowed(f"{path}.{name}", f"{name} is not supported")
    yield from _plain(raw, path)
    yield from _extensions(raw, path)
    yield from _list(raw, path)
    yield from _default(raw, path)
    yield from _rules(raw, path, lost)
    for word in ("allOf", "anyOf", "oneOf"):
        for index, part in enumerate(raw.get(word) or ()):
            loose = raw.get(INT_OR_STRING) and (
                raw.get("anyOf") == _EITHER or (word == "allOf" and part.get("anyOf") == _EITHER)
            )
            yield from _below(part, f"{path}.{word}[{index}]", typed=bool(loose))
    if isinstance(raw.get("not"), dict):
        yield from _below(raw["not"], f"{path}.not")
    for name, inner in (raw.get("properties") or {}).items():
        if not (root and name in ("metadata", "apiVersion", "kind")):
            yield from problems(inner, f"{path}.properties[{name}]", lost=lost)
    for name in ("additionalProperties", "items"):
        if isinstance(raw.get(name), dict):
            here = path if name == "items" and raw.get(LIST_TYPE) != "map" else ""
            yield from problems(raw[name], f"{path}.{name}", lost=lost or here)


def _root(raw: Object, path: str) -> Iterator[Cause]:
    if not raw.get("type"):
        yield status.missing(f"{path}.type", "must not be empty at the root")
    elif raw["type"] != "object":
        yield status.bad_value(f"{path}.type", raw["type"], "must be object at the root")
    meta = (raw.get("properties") or {}).get("metadata")
    if not isinstance(meta, dict):
        return
    place = f"{path}.properties[metadata]"
    if meta.get("type") != "object":
        yield status.bad_value(f"{place}.type", meta.get("type") or "", "must be object")
    elif set(meta.get("properties") or ()) - {"name", "generateName"}:
        why = (
            "must not specify anything other than name and generateName, but metadata is implicitly specified"
        )
        yield status.not_allowed(place, why)


def _kind(raw: Object, path: str) -> Iterator[Cause]:
    found = raw.get("type")
    if not found and not raw.get(PRESERVE) and not raw.get(INT_OR_STRING):
        yield status.missing(f"{path}.type", "must not be empty for specified object fields")
    elif found and found not in _TYPES:
        yield status.unsupported_value(f"{path}.type", found, _TYPES)


def _plain(raw: Object, path: str) -> Iterator[Cause]:
    if raw.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield status.not_allowed(f"{path}.uniqueItems", why)
    if raw.get("properties") and raw.get("additionalProperties") is not None:
        why = "additionalProperties and properties are mutual exclusive"
        yield status.not_allowed(f"{path}.additionalProperties", why)
    if raw.get("type") == "array" and raw.get("items") is None:
        yield status.missing(f"{path}.items", "must be specified")
    if raw.get("pattern"):
        yield from _pattern(raw["pattern"], f"{path}.pattern")
    if raw.get("format") in REFUSED:
        why = "the sandbox does not check this format; leave it out or write a pattern"
        yield status.bad_value(f"{path}.format", raw["format"], why)


def _pattern(text: str, path: str) -> Iterator[Cause]:
    begin = "must be a valid regular expression, but isn't: error parsing regexp: "
    try:
        validation.pattern(text)
    except re.error as error:
        yield status.bad_value(path, text, f"{begin}{error.msg}")
    if NOT_RE2.search(text):
        yield status.bad_value(path, text, f"{begin}invalid or unsupported Perl syntax")


def _extensions(raw: Object, path: str) -> Iterator[Cause]:
    if raw.get(PRESERVE) is False:
        yield status.bad_value(f"{path}.{PRESERVE}", value=False, why="must be true or undefined")
    if raw.get(PRESERVE) and raw.get(INT_OR_STRING):
        yield status.bad_value(
            f"{path}.{PRESERVE}", value=True, why=f"must be false if {INT_OR_STRING} is true"
        )
    if raw.get(EMBEDDED):
        if not raw.get("properties") and not raw.get(PRESERVE):
            why = f"must not be empty if {EMBEDDED} is true without {PRESERVE}"
            yield status.missing(f"{path}.properties", why)
        if raw.get("type") != "object":
            why = f"must be object if {EMBEDDED} is true"
            yield status.bad_value(f"{path}.type", raw.get("type") or "", why)
    if raw.get(_MAP_TYPE) not in (None, "atomic", "granular"):
        yield status.unsupported_value(f"{path}.{_MAP_TYPE}", raw[_MAP_TYPE], ("atomic", "granular"))


def _list(raw: Object, path: str) -> Iterator[Cause]:
    kind, keys = raw.get(LIST_TYPE), raw.get(MAP_KEYS) or []
    items: Object = raw["items"] if isinstance(raw.get("items"), dict) else {}
    if kind is None:
        if keys:
            why = f"must be map if {MAP_KEYS} is non-empty"
            yield status.missing(f"{path}.{LIST_TYPE}", why)
        return
    if raw.get("type") != "array":
        why = f"must be array if {LIST_TYPE} is specified"
        yield status.bad_value(f"{path}.type", raw.get("type") or "", why)
    elif kind not in ("atomic", "set", "map"):
        yield status.unsupported_value(f"{path}.{LIST_TYPE}", kind, ("atomic", "set", "map"))
    elif kind == "set":
        yield from _set(items, f"{path}.items")
    elif kind == "map":
        yield from _map(items, keys, path)


def _set(items: Object, path: str) -> Iterator[Cause]:
    if items.get("nullable"):
        yield status.not_allowed(f"{path}.nullable", f"cannot be nullable when {LIST_TYPE} is set")
    wanted = {"object": (_MAP_TYPE, "map"), "array": (LIST_TYPE, "list")}.get(items.get("type") or "")
    if wanted and items.get(wanted[0]) != "atomic":
        why = f"must be atomic as item of a list with {LIST_TYPE}=set"
        yield status.bad_value(f"{path}.{wanted[0]}", items.get(wanted[0]), why)


def _map(items: Object, keys: list[str], path: str) -> Iterator[Cause]:
    if not keys:
        yield status.missing(f"{path}.{MAP_KEYS}", f"must not be empty if {LIST_TYPE} is map")
    if items.get("type") != "object":
        why = f"must be object if parent array's {LIST_TYPE} is map"
        yield status.bad_value(f"{path}.items.type", items.get("type") or "", why)
        return
    known = items.get("properties") or {}
    if any(key not in known for key in keys):
        shown = "[" + ",".join(f'"{key}"' for key in keys) + "]"
        text = f"Invalid value: {shown}: entries must all be names of item properties"
        yield Cause("FieldValueInvalid", text, f"{path}.{MAP_KEYS}")
        return
    for key in keys:
        if key not in (items.get("required") or ()) and known[key].get("default") is None:
            why = f"this property is in {MAP_KEYS}, so it must have a default or be a required property"
            yield status.missing(f"{path}.items.properties[{key}].default", why)


def _default(raw: Object, path: str) -> Iterator[Cause]:
    given = raw.get("default")
    if given is None:
        return
    node, whole = Structural(raw), copy.deepcopy(given)
    prune(node, whole)
    if whole != given:
        shown = status.shown(given)
        if isinstance(given, dict | list):
            shown = json.dumps(given, separators=(",", ":"))
        text = f"Invalid value: {shown}: must not have unknown fields"
        yield Cause("FieldValueInvalid", text, f"{path}.default")
    for cause in validation.problems(node, given):
        inner = f".{cause.field}" if cause.field and cause.field != validation.NOWHERE else ""
        yield Cause(cause.reason, cause.message, f"{path}.default{inner}")


def _rules(raw: Object, path: str, lost: str) -> Iterator[Cause]:
    listed = raw.get(RULES) or []
    if listed and not raw.get("type") and not raw.get(INT_OR_STRING):
        why = "internal error: failed to construct type information for x-kubernetes-validations rules:"
        why += " unable to convert structural schema to CEL declarations"
        yield Cause("InternalError", f"Internal error: {why}", f"{path}.{RULES}")
        return
    for index, rule in enumerate(listed):
        yield from _rule(raw, rule, f"{path}.{RULES}[{index}]")
        yield from _compiled(raw, rule, f"{path}.{RULES}[{index}]", lost)


def _rule(raw: Object, rule: Object, path: str) -> Iterator[Cause]:
    if not (rule.get("rule") or "").strip():
        yield status.missing(f"{path}.rule", "rule is not specified")
        return
    if "\n" in (rule.get("message") or ""):
        text = f"Invalid value: {json.dumps(rule['message'])}: must not contain line breaks"
        yield Cause("FieldValueInvalid", text, f"{path}.message")
    if rule.get("reason") and rule["reason"] not in REASONS:
        yield status.unsupported_value(f"{path}.reason", rule["reason"], tuple(REASONS))
    if rule.get("fieldPath") and not _reaches(raw, rule["fieldPath"]):
        yield status.bad_value(f"{path}.fieldPath", rule["fieldPath"], "must be a valid path")
    if rule.get("optionalOldSelf") is not None:
        yield status.not_allowed(f"{path}.optionalOldSelf", "the sandbox has no optional values in rules")


def _compiled(raw: Object, rule: Object, path: str, lost: str) -> Iterator[Cause]:
    """Yield why a rule cannot be asked."""
    names = (("Rule", ""), ("Message", ""), ("MessageExpression", ""), ("Reason", None), ("FieldPath", ""))
    whole = {name: rule.get(name[0].lower() + name[1:], empty) for name, empty in names}
    shown = json.dumps({**whole, "OptionalOldSelf": None}, separators=(",", ":"))
    for part in ("rule", "messageExpression"):
        if not (rule.get(part) or "").strip():
            continue
        try:
            found = program(rule[part])
            if part == "rule":
                check(found.tree, Structural(raw))
        except NoCondition as error:
            yield Cause("FieldValueInvalid", f"Invalid value: {shown}: {error}", f"{path}.{part}")
        except CelError as error:
            text = f"Invalid value: {shown}: compilation failed: ERROR: {error}"
            yield Cause("FieldValueInvalid", text, f"{path}.{part}")
        else:
            if lost and found.uses("oldSelf"):
                why = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {lost}"
                yield status.bad_value(f"{path}.{part}", rule[part], why)


def _reaches(raw: Object, path: str) -> bool:
    """Whether a path such as ``.a.b`` names a member that the schema knows."""
    node: Structural | None = Structural(raw)
    for name in path.removeprefix(".").split("."):
        node = node.child(name.strip("'[]")) if node is not None else None
    return node is not None and path.startswith((".", "["))


def _below(raw: Any, path: str, *, typed: bool = False) -> Iterator[Cause]:
    for name in _ONLY_OUTSIDE:
        if raw.get(name) not in (None, False, "", []) and not (typed and name == "type"):
            yield status.not_allowed(f"{path}.{name}", "must be empty to be structural")
    for word in ("allOf", "anyOf", "oneOf"):
        for index, part in enumerate(raw.get(word) or ()):
            yield from _below(part, f"{path}.{word}[{index}]", typed=typed)
    inner = [(f"{path}.properties[{name}]", part) for name, part in (raw.get("properties") or {}).items()]
    inner += [(f"{path}.{name}", raw[name]) for name in ("items", "not") if isinstance(raw.get(name), dict)]
    for place, part in inner:
        yield from _below(part, place)
