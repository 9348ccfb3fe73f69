"""Which fields a kind knows, and what becomes of those it does not.

Owns the schemas' lookup and ``fieldValidation``.
"""

from __future__ import annotations

from argovx_lab.sandbox.kubernetes import argo_schema, core_schema, status
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import Kind
from argovx_lab.sandbox.kubernetes.schema import Struct, unknown

MODES = ("Ignore", "Warn", "Strict")
_SCHEMAS = {**core_schema.SCHEMAS, **argo_schema.SCHEMAS}


def schema_of(kind: Kind) -> Struct:
    """Return the schema of a served kind."""
    return _SCHEMAS[kind.id]


def check(mode: str, kind: Kind, obj: Object, options: str) -> str:
    """Look for unknown fields as ``fieldValidation`` asks.

    Returns
    -------
    str
        A warning for ``Warn``; empty when there is none.

    Raises
    ------
    ApiError
        400 with ``Strict``, naming every unknown field; 422 for another mode.
    """
    if mode not in ("", *MODES):
        cause = status.unsupported_value("fieldValidation", mode, ("", *sorted(MODES)))
        raise status.bad_options(options, cause)
    if mode not in ("Warn", "Strict"):
        return ""
    found = [f'unknown field "{path}"' for path in unknown(schema_of(kind), obj)]
    if not found:
        return ""
    if mode == "Warn":
        return ", ".join(found)
    resource = kind.resource
    text = f"strict decoding error: {', '.join(found)}"
    if not kind.custom:
        text = (
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {text}'
        )
    raise status.bad_request(text)
