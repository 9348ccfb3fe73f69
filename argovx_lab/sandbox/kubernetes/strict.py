"""Which fields a kind knows, and what becomes of those it does not.

Owns the schemas' lookup and ``fieldValidation``.
"""

from __future__ import annotations

from argovx_lab.sandbox.kubernetes import argo_schema, core_schema, status
from argovx_lab.sandbox.kubernetes.custom import structural
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import Kind
from argovx_lab.sandbox.kubernetes.schema import Struct, unknown

MODES = ("Ignore", "Warn", "Strict")
_SCHEMAS = {**core_schema.SCHEMAS, **argo_schema.SCHEMAS}


def schema_of(kind: Kind) -> Struct:
    """Return the schema of a served kind."""
    return _SCHEMAS[kind.id]


def _defined(kind: Kind, obj: Object) -> list[str]:
    found = structural.unknown(kind.schema, obj)
    for path, head in structural.embedded(kind.schema, obj):
        if isinstance(head.get("metadata"), dict):
            found += unknown(core_schema.METADATA, head["metadata"], f"{path}.metadata")
    return sorted(found)


def check(mode: str, kind: Kind, obj: Object, options: str) -> list[str]:
    """Look for unknown fields as ``fieldValidation`` asks.

    Returns
    -------
    list of str
        The warnings of ``Warn``, which holds when nothing is said; kinds whose own definition preserves
        unknown fields then have none.

    Raises
    ------
    ApiError
        400 with ``Strict``, naming every unknown field; 422 for another mode.
    """
    if mode not in ("", *MODES):
        cause = status.unsupported_value("fieldValidation", mode, ("", *sorted(MODES)))
        raise status.bad_options(options, cause)
    if mode == "Ignore" or (not mode and kind.custom and kind.schema is None):
        return []
    paths = _defined(kind, obj) if kind.schema is not None else unknown(schema_of(kind), obj)
    found = [f'unknown field "{path}"' for path in paths]
    if not found:
        return []
    if mode != "Strict":
        return found
    resource = kind.resource
    text = f"strict decoding error: {', '.join(found)}"
    if not kind.custom or kind.schema is not None:
        text = (
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {text}'
        )
    raise status.bad_request(text)
