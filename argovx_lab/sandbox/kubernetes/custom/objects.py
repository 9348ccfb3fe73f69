"""Objects of a defined kind: brought into the form of its schema, then judged by schema, lists and rules.

Owns the order of the real server's steps; each step is a module of its own beside this one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from argovx_lab.sandbox.kubernetes import schema, status
from argovx_lab.sandbox.kubernetes.core_schema import METADATA
from argovx_lab.sandbox.kubernetes.custom import expressions, structural, validation
from argovx_lab.sandbox.kubernetes.interface import ApiError, Object
from argovx_lab.sandbox.kubernetes.kinds import Kind
from argovx_lab.sandbox.kubernetes.status import Cause


def decode(kind: Kind, obj: Object) -> None:
    """Bring an object of a defined kind into the form of its schema; wrong values are found later."""
    heads = [("", obj), *structural.embedded(kind.schema, obj)]
    for path, head in heads:
        if head.get("metadata") is None:
            continue
        place = f"{path}.metadata" if path else "metadata"
        schema.prune_nulls(METADATA, head["metadata"])
        wrong = next(schema.problems(METADATA, head["metadata"], place), None)
        if wrong is not None:
            raise undecodable(kind, wrong, head["metadata"] if path else None)
        if path:
            for key in set(head["metadata"]) - set(METADATA.fields):
                del head["metadata"][key]
    structural.prune(kind.schema, obj)
    structural.complete(kind.schema, obj)


def problems(
    kind: Kind, new: Object, old: Object | None, found: Sequence[Cause], subresource: str
) -> list[Cause]:
    """Return what the schema and the rules of a definition say of an object; see ``rules.problems``."""
    causes = _defined(kind, new, old, found)
    return [_relative(cause) for cause in causes] if subresource == "status" else causes


def _defined(kind: Kind, new: Object, old: Object | None, found: Sequence[Cause]) -> list[Cause]:
    causes = list(validation.problems(kind.schema, new, "", old))
    causes += validation.duplicates(kind.schema, new, "", old)
    if not kind.schema.has_rules:
        return causes
    if any(cause.reason in validation.BLOCKING for cause in (*found, *causes)):
        why = "some validation rules were not checked because the object was invalid;"
        why += " correct the existing errors to complete validation"
        unchecked = Cause("FieldValueInvalid", f"Invalid value: null: {why}", validation.NOWHERE)
        return [*causes, unchecked]
    return causes + list(expressions.violations(kind.schema, new, "", old))


def _relative(cause: Cause) -> Cause:
    """Word a cause as the real server does for the subresource: from ``status`` on."""
    inside = cause.field.removeprefix("status.")
    return replace(cause, message=cause.message.replace(f"{cause.field} in body", f"{inside} in body"))


def undecodable(kind: Kind, cause: Cause, inside: object = None) -> ApiError:
    """Return 400 for a wrong JSON type; ``inside`` is the metadata of an object within the object."""
    found = cause.message.split('"')[1]
    wanted = cause.message.split("must be of type ")[1].split(":")[0]
    place = "" if inside is None else f"{cause.field.partition('.metadata')[0]}.metadata: Invalid value: "
    place += "" if inside is None else f"{json.dumps(inside, separators=(',', ':'), sort_keys=True)}: "
    why = f"{place}json: cannot unmarshal {found} into Go struct field {cause.field} of type {wanted}"
    return status.undecodable(kind.resource, kind.resource.kind, kind.resource.version, why)
