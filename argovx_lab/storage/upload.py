"""The two ways up: one request for small objects, a resumable session for large ones.

Owns the upload protocol; both let the service check the bytes. A piece whose answer was lost is not sent
blindly again: the session is asked how far it got.

Notes
-----
Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, BinaryIO

from argovx_lab.errors import RemoteError, Unavailable
from argovx_lab.storage.meta import Checks
from argovx_lab.storage.session import SERVICE, Answer, Session

#: From this size on the upload can be resumed. Unit: bytes. Source: the vendors' clients use 8 MiB as well.
RESUMABLE_FROM = 8 * 1024 * 1024

#: Size of a piece; a multiple of 256 KiB as the protocol asks. Unit: bytes.
PIECE = 16 * 1024 * 1024

#: How often a broken piece is resumed before the upload gives up.
_RESUMES = 5

_JSON = "application/json; charset=UTF-8"


def multipart(
    session: Session, url: str, params: Mapping[str, str], about: Mapping[str, Any], body: bytes
) -> tuple[Answer, Checks]:
    """Send metadata and bytes in one request and return the answer, whatever its status.

    It is repeated only under a precondition, which makes a second write impossible.
    """
    checks = Checks()
    checks.update(body)
    border = secrets.token_hex(16)
    head = json.dumps({**about, "md5Hash": checks.md5})
    data = b"".join(
        (
            f"--{border}\r\nContent-Type: {_JSON}\r\n\r\n{head}\r\n".encode(),
            f"--{border}\r\nContent-Type: {about['contentType']}\r\n\r\n".encode(),
            body,
            f"\r\n--{border}--\r\n".encode(),
        )
    )
    answer: Answer = session.request(
        "POST",
        url,
        params={**params, "uploadType": "multipart"},
        headers={"Content-Type": f"multipart/related; boundary={border}"},
        data=data,
        repeat="ifGenerationMatch" in params,
        service=SERVICE,
    )
    return answer, checks


def resumable(
    session: Session,
    url: str,
    params: Mapping[str, str],
    about: Mapping[str, Any],
    file: BinaryIO,
    size: int,
) -> tuple[Answer, Checks]:
    """Send a large object in pieces and return the last answer, whatever its status."""
    checks = Checks()
    opened = _open(session, url, params, about, size)
    place = opened.headers.get("Location", "")
    if opened.status_code != 200 or not place:
        return opened, checks
    if place.split("/upload/", 1)[0] != url.split("/upload/", 1)[0]:
        raise RemoteError("storage opened an upload at another address; refused", service=SERVICE)
    base, sent, resumes = file.tell(), 0, 0
    while True:
        piece = file.read(min(PIECE, size - sent))
        try:
            answer = _piece(session, place, piece, sent, size)
        except Unavailable:
            resumes += 1
            if resumes > _RESUMES:
                raise
            answer = _ask(session, place, size)
        if answer.status_code != 308:
            break
        stored = _stored(answer)
        if not sent <= stored <= sent + len(piece):
            raise RemoteError(
                f"storage says it holds {stored} bytes of an upload, which cannot be", service=SERVICE
            )
        checks.update(piece[: stored - sent])
        sent = stored
        file.seek(base + sent)
    if 200 <= answer.status_code < 300:
        checks.update(piece[: size - sent])
    return answer, checks


def _open(
    session: Session, url: str, params: Mapping[str, str], about: Mapping[str, Any], size: int
) -> Answer:
    answer: Answer = session.request(
        "POST",
        url,
        params={**params, "uploadType": "resumable"},
        headers={
            "Content-Type": _JSON,
            "X-Upload-Content-Type": str(about["contentType"]),
            "X-Upload-Content-Length": str(size),
        },
        data=json.dumps(about).encode(),
        repeat=True,  # opening a session writes nothing
        service=SERVICE,
    )
    return answer


def _piece(session: Session, place: str, piece: bytes, start: int, size: int) -> Answer:
    span = f"bytes {start}-{start + len(piece) - 1}/{size}"
    answer: Answer = session.request(
        "PUT", place, headers={"Content-Range": span}, data=piece, repeat=False, service=SERVICE
    )
    if answer.status_code in (408, 429, 500, 502, 503, 504):
        answer.close()
        raise Unavailable(f"storage answered {answer.status_code} during an upload", service=SERVICE)
    return answer


def _ask(session: Session, place: str, size: int) -> Answer:
    answer: Answer = session.request(
        "PUT", place, headers={"Content-Range": f"bytes */{size}"}, data=b"", repeat=True, service=SERVICE
    )
    return answer


def _stored(answer: Answer) -> int:
    """Return how many bytes the session holds; a 308 without ``Range`` means none."""
    span = answer.headers.get("Range", "")
    answer.close()
    end = span.rpartition("-")[2]
    return int(end) + 1 if end.isdigit() else 0
