"""Google's canonical errors, rendered as its REST JSON and as gRPC trailers.

Owns the table code name → HTTP status → gRPC number, and the two renderings. The error details carry
``google.rpc.ErrorInfo`` and ``google.rpc.BadRequest``, written without generated classes, because the
few fields needed are strings.
Source: https://google.aip.dev/193, https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from argovx_lab.errors import ArgovxError
from argovx_lab.sandbox.room import FULL, is_full

#: Code name → (HTTP status, gRPC number). Source: google/rpc/code.proto.
CODES: Mapping[str, tuple[int, int]] = {
    "CANCELLED": (499, 1),
    "UNKNOWN": (500, 2),
    "INVALID_ARGUMENT": (400, 3),
    "DEADLINE_EXCEEDED": (504, 4),
    "NOT_FOUND": (404, 5),
    "ALREADY_EXISTS": (409, 6),
    "PERMISSION_DENIED": (403, 7),
    "RESOURCE_EXHAUSTED": (429, 8),
    "FAILED_PRECONDITION": (400, 9),
    "ABORTED": (409, 10),
    "OUT_OF_RANGE": (400, 11),
    "UNIMPLEMENTED": (501, 12),
    "INTERNAL": (500, 13),
    "UNAVAILABLE": (503, 14),
    "DATA_LOSS": (500, 15),
    "UNAUTHENTICATED": (401, 16),
}
#: Number → code name.
CODE_NAMES: Mapping[int, str] = {number: name for name, (_, number) in CODES.items()}
#: A ``grpc-status-details-bin`` above this is left out: trailers are small. Unit: bytes.
DETAILS_MAX = 6 * 1024


class GoogleError(ArgovxError):
    """An answer of a Google API that is not a success.

    Parameters
    ----------
    code : str
        Canonical name: ``NOT_FOUND``, ``INVALID_ARGUMENT``, ``PERMISSION_DENIED`` …
    message : str
        As Google words it.
    reason : str
        ``ErrorInfo.reason`` in UPPER_SNAKE_CASE; empty means no ErrorInfo.
    metadata : mapping, optional
        ``ErrorInfo.metadata``.
    domain : str
        ``ErrorInfo.domain``.
    fields : mapping, optional
        Field path → description, sent as ``google.rpc.BadRequest``.
    status : int, optional
        HTTP status where it differs from the code's own (412 of Cloud Storage).
    headers : mapping, optional
        Extra response headers, such as ``retry-after``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        domain: str = "googleapis.com",
        fields: Mapping[str, str] | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.http_status, self.number = CODES[code]
        if status is not None:
            self.http_status = status
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.domain = domain
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})

    def details(self) -> list[dict[str, Any]]:
        """Return the details as JSON: ``ErrorInfo`` and ``BadRequest`` where they apply."""
        found: list[dict[str, Any]] = []
        if self.reason:
            info = {"reason": self.reason, "domain": self.domain, "metadata": self.metadata}
            found.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", **info})
        if self.fields:
            violations = [{"field": f, "description": d} for f, d in self.fields.items()]
            found.append(
                {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """Return ``{"error": {code, message, status, details}}``, the body of a REST answer."""
        error: dict[str, Any] = {"code": self.http_status, "message": self.message, "status": self.code}
        if details := self.details():
            error["details"] = details
        return {"error": error}

    def to_trailers(self) -> list[tuple[bytes, bytes]]:
        """Return ``grpc-status``, ``grpc-message`` and, with details, ``grpc-status-details-bin``."""
        trailers = [(b"grpc-status", str(self.number).encode())]
        if self.message:
            trailers.append((b"grpc-message", _percent(self.message)))
        if self.reason or self.fields:
            status = self._status_bytes()
            if len(status) <= DETAILS_MAX:
                trailers.append((b"grpc-status-details-bin", base64.b64encode(status).rstrip(b"=")))
        return trailers

    def _status_bytes(self) -> bytes:
        details: list[bytes] = []
        if self.reason:
            pairs = [_text(1, k) + _text(2, v) for k, v in self.metadata.items()]
            info = _text(1, self.reason) + _text(2, self.domain) + _messages(3, pairs)
            details.append(_any("google.rpc.ErrorInfo", info))
        if self.fields:
            violations = [_text(1, f) + _text(2, d) for f, d in self.fields.items()]
            details.append(_any("google.rpc.BadRequest", _messages(1, violations)))
        return b"\x08" + _varint(self.number) + _text(2, self.message) + _messages(3, details)


def not_found(message: str) -> GoogleError:
    """Return NOT_FOUND."""
    return GoogleError("NOT_FOUND", message)


def invalid(message: str, fields: Sequence[str] | Mapping[str, str] = ()) -> GoogleError:
    """Return INVALID_ARGUMENT; ``fields`` are the paths at fault."""
    named = fields if isinstance(fields, Mapping) else dict.fromkeys(fields, message)
    return GoogleError("INVALID_ARGUMENT", message, fields=named)


def listed(problems: Sequence[tuple[str, str]]) -> GoogleError:
    """Return INVALID_ARGUMENT with all that is wrong, as Vertex lists it: pairs of field and message."""
    found = "".join(f"\t{n}.Field: {f}; Message: {m}" for n, (f, m) in enumerate(problems, 1))
    return GoogleError("INVALID_ARGUMENT", f"List of found errors:{found}\t", fields=dict(problems))


def unimplemented(what: str, hint: str = "") -> GoogleError:
    """Return UNIMPLEMENTED that names what the sandbox does not emulate."""
    tail = f" {hint}" if hint else ""
    return GoogleError("UNIMPLEMENTED", f"The sandbox does not emulate {what}.{tail}")


def machine(error: OSError | sqlite3.Error) -> GoogleError:
    """Return UNAVAILABLE for an error of this machine; a full disk is named.

    Cloud Storage says it in its own way (:func:`.storage.errors.machine`).
    """
    if is_full(error):
        return GoogleError("UNAVAILABLE", FULL)
    said = error.strerror if isinstance(error, OSError) else error
    return GoogleError("UNAVAILABLE", f"The sandbox cannot write its state: {said}")


def _percent(message: str) -> bytes:
    # printable ASCII except % stays (gRPC's Status-Message encoding)
    keep = "".join(chr(c) for c in range(0x20, 0x7F) if c != 0x25)
    return quote(message[:2048], safe=keep).encode()


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode()) if value else b""


def _messages(number: int, values: Iterable[bytes]) -> bytes:
    return b"".join(_bytes(number, value) for value in values)


def _any(name: str, value: bytes) -> bytes:
    return _text(1, f"type.googleapis.com/{name}") + _bytes(2, value)
