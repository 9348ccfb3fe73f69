"""``/livez``, ``/readyz`` and ``/healthz``: whether the server answers, check by check when asked.

Owns the checks: that requests come through, and that the store can be read.
Source: https://kubernetes.io/docs/reference/using-api/health-checks/
"""

from __future__ import annotations

import sqlite3

from argovx_lab.sandbox.http import Request, Response
from argovx_lab.sandbox.kubernetes.store import Store

ENDPOINTS = ("healthz", "livez", "readyz")
CHECKS = ("ping", "store")
_TEXT = {"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"}


def answer(store: Store, request: Request, parts: list[str]) -> Response | None:
    """Return the answer of an endpoint or of one of its checks; ``None`` for another path."""
    if parts[0] not in ENDPOINTS or len(parts) > 2:
        return None
    if len(parts) == 2:
        return _one(store, parts[1]) if parts[1] in CHECKS else None
    left_out = [value for name, value in request.query if name == "exclude"]
    verbose = any(name == "verbose" for name, _ in request.query)
    lines, good = [], True
    for check in CHECKS:
        fine = check in left_out or _holds(store, check)
        good = good and fine
        said = "excluded: ok" if check in left_out else "ok" if fine else "failed: reason withheld"
        lines.append(f"[{'+' if fine else '-'}]{check} {said}")
    lines += [
        f'warn: some health checks cannot be excluded: no matches for "{name}"'
        for name in left_out
        if name not in CHECKS
    ]
    if good and not verbose:
        return Response(200, dict(_TEXT), b"ok")
    lines.append(f"{parts[0]} check {'passed' if good else 'failed'}")
    return Response(200 if good else 500, dict(_TEXT), "\n".join([*lines, ""]).encode())


def _one(store: Store, check: str) -> Response:
    good = _holds(store, check)
    return Response(200 if good else 500, dict(_TEXT), b"ok" if good else b"internal server error")


def _holds(store: Store, check: str) -> bool:
    if check != "store":
        return True
    try:
        store.setting("health")
    except sqlite3.Error:
        return False
    return True
