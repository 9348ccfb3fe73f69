"""The XML API's own form of errors: ``<Error><Code>…</Code><Message>…</Message></Error>``.

Owns the codes. Source: https://cloud.google.com/storage/docs/xml-api/reference-status
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

from argovx_lab.sandbox.google.errors import GoogleError
from argovx_lab.sandbox.google.storage.errors import StorageError
from argovx_lab.sandbox.http import Response

HEAD: Final = "<?xml version='1.0' encoding='UTF-8'?>"
#: ``reason`` of the JSON API → code of this one, where the status alone does not tell.
_REASONS: Final[Mapping[str, str]] = {
    "insufficientStorage": "InsufficientStorage",
    "required": "InvalidArgument",
}
_CODES: Final[Mapping[int, str]] = {
    400: "InvalidArgument",
    401: "AuthenticationRequired",
    403: "AccessDenied",
    404: "NoSuchKey",
    405: "MethodNotAllowed",
    409: "Conflict",
    412: "PreconditionFailed",
    429: "SlowDown",
    499: "ClientClosedRequest",
    501: "NotImplemented",
    503: "ServiceUnavailable",
}


class XmlError(StorageError):
    """An error with a code of the XML API.

    Parameters
    ----------
    name : str
        ``NoSuchUpload``, ``InvalidPart`` …
    """

    def __init__(self, name: str, message: str, code: str = "INVALID_ARGUMENT") -> None:
        super().__init__(code, message)
        self.xml_code = name


def render_xml(error: GoogleError) -> Response:
    """Return the answer for an error of any kind."""
    if isinstance(error, XmlError):
        name = error.xml_code
    elif error.http_status == 404 and "bucket" in error.message:
        name = "NoSuchBucket"
    else:
        why = error.why if isinstance(error, StorageError) and error.http_status != 401 else ""
        name = _REASONS.get(why) or _CODES.get(error.http_status, "InternalError")
    text = f"{HEAD}<Error><Code>{name}</Code><Message>{escape(error.message)}</Message></Error>"
    headers = {"content-type": "application/xml; charset=UTF-8", **error.headers}
    return Response(error.http_status, headers, text.encode())
