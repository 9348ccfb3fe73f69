"""Names of buckets, objects and folders: what Cloud Storage allows, and what the sandbox does not.

Source: https://cloud.google.com/storage/docs/buckets#naming, https://cloud.google.com/storage/docs/objects#naming
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from argovx_lab.sandbox.google.storage.errors import StorageError, invalid

#: Unit: bytes of UTF-8.
OBJECT_NAME_MAX: Final = 1024

_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9_-]{1,61}|[a-z0-9._-]{1,220})[a-z0-9]\Z")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+\Z")


def check_bucket(name: str) -> str:
    """Return the name of a new bucket.

    Raises
    ------
    StorageError
        400, when Google would refuse it.
    """
    parts = name.split(".")
    bad = (
        not _BUCKET.match(name)
        or _ADDRESS.match(name)
        or any(not part or len(part) > 63 or part[0] == "-" or part[-1] == "-" for part in parts)
        or name.startswith("goog")
        or "google" in name
    )
    if bad:
        raise invalid(f"Invalid bucket name: '{name[:80]}'")
    if len(parts) > 1:
        raise StorageError(
            "PERMISSION_DENIED",
            "The bucket you tried to create is a domain name owned by another user: names with dots need a "
            "verified domain, which the sandbox does not have.",
        )
    return name


def check_object(name: str) -> str:
    """Return the name of an object.

    Raises
    ------
    StorageError
        400, when it is empty, too long, reserved or has a line break; NUL is the sandbox's own limit.
    """
    size = len(name.encode("utf-8", "surrogatepass"))
    if not name:
        raise StorageError("INVALID_ARGUMENT", "Required", why="required", location="name")
    if size > OBJECT_NAME_MAX:
        raise invalid(
            f"The maximum object length is {OBJECT_NAME_MAX} characters, but got a name with {size}.", "name"
        )
    reserved = name in (".", "..") or name.startswith(".well-known/acme-challenge/")
    broken = any(c in name for c in "\r\n\0") or any("\ud800" <= c <= "\udfff" for c in name)
    if reserved or broken:
        raise invalid(
            "Disallowed unicode characters present in object name." if broken else "Reserved object name.",
            "name",
        )
    return name


def check_folder(name: str) -> str:
    """Return the name of a managed folder, with its closing slash.

    Raises
    ------
    StorageError
        400.
    """
    if not name.endswith("/") or name.startswith("/") or "//" in name:
        raise invalid("Invalid managed folder name: it must end with '/' and have no empty part.", "name")
    return check_object(name)


def decode(raw: str) -> str:
    """Decode one percent-encoded path segment strictly.

    Raises
    ------
    StorageError
        400, when it is not UTF-8.
    """
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise invalid("The object name is not valid UTF-8.", "name") from None
