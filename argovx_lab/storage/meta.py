"""What Cloud Storage says of an object, and the checks of bytes against it.

Owns the checksum rules. Pure: no requests.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Optional, Union

from argovx_lab.errors import RemoteError

#: Pieces in which files are read and streamed. Unit: bytes.
PIECE = 1024 * 1024

#: Custom metadata key that carries the SHA-256 of the bytes.
SHA256_KEY = "argovx-sha256"


@dataclass(frozen=True)
class ObjectMeta:
    """One generation of an object.

    Parameters
    ----------
    generation : int
        Changes with every write of the name.
    size_bytes : int
        Length of the content.
    digest : str
        SHA-256 as its writer stated it, hexadecimal; empty when it did not.
    md5, crc32c : str
        Base64, as the service computes them; either may be empty.
    updated : str
        RFC 3339.
    """

    bucket: str
    name: str
    generation: int
    size_bytes: int
    content_type: str = ""
    digest: str = ""
    md5: str = ""
    crc32c: str = ""
    updated: str = ""

    @property
    def uri(self) -> str:
        """``gs://bucket/name``."""
        return f"gs://{self.bucket}/{self.name}"

    @classmethod
    def of(cls, doc: Mapping[str, Any]) -> ObjectMeta:
        """Read the ``storage#object`` resource."""
        return cls(
            bucket=str(doc.get("bucket", "")),
            name=str(doc.get("name", "")),
            generation=int(doc.get("generation", 0)),
            size_bytes=int(doc.get("size", 0)),
            content_type=str(doc.get("contentType", "")),
            digest=str((doc.get("metadata") or {}).get(SHA256_KEY, "")),
            md5=str(doc.get("md5Hash", "")),
            crc32c=str(doc.get("crc32c", "")),
            updated=str(doc.get("updated", "")),
        )


class Checks:
    """Checksums of bytes as they pass."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size_bytes = 0

    def update(self, piece: bytes) -> None:
        """Take in the next piece."""
        self.sha256.update(piece)
        self._md5.update(piece)
        self.size_bytes += len(piece)

    @property
    def md5(self) -> str:
        """MD5 in base64, as the service writes it."""
        return base64.b64encode(self._md5.digest()).decode()

    def compare(self, headers: Mapping[str, str], uri: str) -> None:
        """Compare with ``x-goog-hash`` of a download of the whole object.

        Raises
        ------
        RemoteError
            When the bytes are not those that the service stored.
        """
        stated = hashes(headers)
        if "md5" in stated and stated["md5"] != self.md5:
            raise damaged(uri)

    def compare_meta(self, meta: ObjectMeta) -> None:
        """Compare with what the service says after an upload.

        Raises
        ------
        RemoteError
            When it stored other bytes.
        """
        if meta.size_bytes != self.size_bytes or (meta.md5 and meta.md5 != self.md5):
            raise damaged(meta.uri)


def crc32c_matches(headers: Mapping[str, str], data: bytes) -> bool:
    """Tell whether bytes fit the CRC32C of ``x-goog-hash``; true when it states none.

    Notes
    -----
    Composite objects have no MD5. Source: Cloud Storage, "Hashes and ETags".
    """
    stated: Optional[str] = hashes(headers).get("crc32c")
    if stated is None:
        return True
    import google_crc32c

    value: int = google_crc32c.value(data)
    return base64.b64encode(value.to_bytes(4, "big")).decode() == stated


def hashes(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the hashes that ``x-goog-hash`` states, by name."""
    pairs = (item.strip().partition("=") for item in headers.get("x-goog-hash", "").split(","))
    return {name: value for name, sign, value in pairs if sign}


def damaged(uri: str) -> RemoteError:
    """Return the error for bytes that do not fit their checksum."""
    return RemoteError(
        f"{uri} does not fit its checksum",
        hint="Try again; if it stays, the object is damaged.",
        service="storage",
    )


def verify(headers: Mapping[str, str], data: bytes, uri: str) -> None:
    """Compare the bytes of a whole object with what ``x-goog-hash`` states.

    Raises
    ------
    RemoteError
        When they differ.
    """
    if "md5" in hashes(headers):
        checks = Checks()
        checks.update(data)
        checks.compare(headers, uri)
    elif not crc32c_matches(headers, data):
        raise damaged(uri)


def length_of(file: BinaryIO) -> int:
    """Return how many bytes lie from the current position on."""
    here = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(here)
    return end - here


def measure(data: Union[bytes, BinaryIO]) -> tuple[str, int]:
    """Return SHA-256 and length of bytes, or of a file from its current position on."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest(), len(data)
    here, checks = data.tell(), Checks()
    while piece := data.read(PIECE):
        checks.update(piece)
    data.seek(here)
    return checks.sha256.hexdigest(), checks.size_bytes
