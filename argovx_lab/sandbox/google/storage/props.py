"""What a client may set on an object, checked: content headers, custom metadata, storage class.

Owns the closed list of fields. Output-only fields are ignored, as Google ignores them; holds, retention,
ACLs and encryption keys are refused by name.
Source: https://cloud.google.com/storage/docs/json_api/v1/objects#resource
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from argovx_lab.sandbox.google.storage.errors import acl, invalid, not_emulated

Props = dict[str, Any]

STORAGE_CLASSES: Final = ("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE")
#: Keys and values of custom metadata together. Unit: bytes. Source: https://cloud.google.com/storage/quotas
METADATA_MAX: Final = 8 * 1024

_TEXTS: Final = frozenset(
    {"cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "contentType"}
)
WRITABLE: Final = _TEXTS | {"customTime", "metadata", "storageClass"}
_OUTPUT: Final = frozenset(
    {
        "kind", "id", "selfLink", "mediaLink", "name", "bucket", "generation", "metageneration", "size",
        "etag", "timeCreated", "updated", "timeStorageClassUpdated", "timeFinalized", "timeDeleted",
        "componentCount", "md5Hash", "crc32c", "owner",
    }
)  # fmt: skip
REFUSED: Final = frozenset(
    {
        "temporaryHold", "eventBasedHold", "retention", "retentionExpirationTime", "kmsKeyName", "contexts",
        "customerEncryption", "softDeleteTime", "hardDeleteTime", "restoreToken",
    }
)  # fmt: skip


def checked(document: object) -> Props:
    """Return the writable fields of an object resource; ``None`` as a value means "remove".

    Raises
    ------
    StorageError
        400 or 501, naming the field.
    """
    if not isinstance(document, dict):
        raise invalid("The object resource must be a JSON object.")
    found: Props = {}
    for name, value in document.items():
        if name in WRITABLE:
            found[name] = None if value is None else _value(name, value)
        elif name == "acl" and value:
            raise acl()
        elif name in REFUSED and value:
            raise not_emulated(f"the object field {name}")
        elif name not in _OUTPUT | REFUSED | {"acl"}:
            raise invalid(f"Unknown name {name!r}: Cannot find field.", name)
    return found


def merged(old: Mapping[str, Any], change: Mapping[str, Any]) -> Props:
    """Return ``old`` with a patch applied: ``None`` removes, custom metadata is merged key by key."""
    new = dict(old)
    for name, value in change.items():
        if name == "metadata" and value is not None:
            both = {**(old.get("metadata") or {}), **value}
            new[name] = {k: v for k, v in both.items() if v is not None}
        else:
            new[name] = value
        if not new[name]:
            del new[name]
    _check_size(new.get("metadata") or {})
    return new


def fresh(props: Mapping[str, Any], storage_class: str) -> Props:
    """Return the props of a new object: without removals, with a storage class."""
    return merged({}, {"storageClass": storage_class, **{k: v for k, v in props.items() if v is not None}})


def check_custom_time(old: str | None, change: Mapping[str, Any], *, whole: bool) -> None:
    """Refuse to take a custom time away or back, which Google does not allow on the same generation.

    Raises
    ------
    StorageError
        400.
    """
    if old is None or not (whole or "customTime" in change):
        return
    new = change.get("customTime")
    if new is None or _moment(new) < _moment(old):
        raise invalid(
            "Once a custom time is set it cannot be removed or set to an earlier time.", "customTime"
        )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _value(name: str, value: object) -> Any:
    if name == "metadata":
        return _metadata(value)
    if not isinstance(value, str):
        raise invalid(f"Invalid value for {name}: a string is wanted.", name)
    if name == "storageClass" and value not in STORAGE_CLASSES:
        raise invalid(f"Invalid storage class {value!r}: one of {', '.join(STORAGE_CLASSES)}.", name)
    if name == "customTime":
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise invalid(f"Invalid value for customTime: {value[:40]!r} is not RFC 3339.", name) from None
    if any(ord(c) < 0x20 or c == "\x7f" for c in value) or not value.isprintable():
        raise invalid(f"Invalid value for {name}: it has control characters.", name)
    if name in _TEXTS and not _latin(value):
        raise invalid(f"Invalid value for {name}: only Latin-1 can travel in a header.", name)
    return value


def _latin(value: str) -> bool:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _metadata(value: object) -> dict[str, str | None]:
    if not isinstance(value, dict):
        raise invalid("Invalid value for metadata: an object of strings is wanted.", "metadata")
    for key, text in value.items():
        if not key or (text is not None and not isinstance(text, str)):
            raise invalid(f"Invalid value for metadata.{key}: a string is wanted.", "metadata")
    _check_size(value)
    return dict(value)


def _check_size(metadata: Mapping[str, str | None]) -> None:
    size = sum(
        len(k.encode(errors="replace")) + len((v or "").encode(errors="replace")) for k, v in metadata.items()
    )
    if size > METADATA_MAX:
        raise invalid(
            f"The custom metadata has {size} bytes; at most {METADATA_MAX} are allowed.", "metadata"
        )


def parse(body: bytes) -> dict[str, Any]:
    """Return a JSON body as an object; an empty body is an empty object.

    Raises
    ------
    StorageError
        400.
    """
    if not body.strip():
        return {}
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise invalid("Parse Error: the request body is not JSON.") from None
    if not isinstance(value, dict):
        raise invalid("Parse Error: the request body must be a JSON object.")
    return value
