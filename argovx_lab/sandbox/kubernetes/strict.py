"""``fieldValidation``: which fields a kind knows.

Owns the answer to ``Strict``; a kind whose fields are not known to us refuses it by name.
"""

from __future__ import annotations

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import Kind


def check(mode: str, kind: Kind, obj: Object) -> None:
    """Check ``obj`` as ``mode`` asks; 400 for unknown fields with ``Strict``."""
    del obj
    if mode not in ("", "Ignore", "Warn", "Strict"):
        raise status.bad_request(f"fieldValidation {status.shown(mode)}: use Ignore, Warn or Strict")
    if mode == "Strict":
        raise status.bad_request(f"fieldValidation=Strict is not served for {kind.id} yet")
