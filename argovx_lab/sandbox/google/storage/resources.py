"""The wire form of buckets, objects and managed folders.

Source: https://cloud.google.com/storage/docs/json_api/v1/objects#resource, …/buckets#resource
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from argovx_lab.sandbox.google.storage.catalog import Stored

_SELF = "https://www.googleapis.com/storage/v1/b"
#: Source: https://cloud.google.com/storage/docs/locations
MULTI_REGIONS: Final = ("US", "EU", "ASIA")
DUAL_REGIONS: Final = ("NAM4", "EUR4", "EUR5", "EUR7", "EUR8", "ASIA1")
_MEDIA = "https://storage.googleapis.com/download/storage/v1/b"


def stamp(seconds: float) -> str:
    """Return RFC 3339 with milliseconds, as this API writes times."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def etag(generation: int, metageneration: int) -> str:
    """Return the entity tag of an object: generation and metageneration as a small message, in Base64."""
    return base64.b64encode(b"\x08" + _varint(generation) + b"\x10" + _varint(metageneration)).decode()


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def object_resource(stored: Stored) -> dict[str, Any]:
    """Return the object resource (``projection=noAcl``)."""
    name, bucket = quote(stored.name, safe=""), stored.bucket
    found: dict[str, Any] = {
        "kind": "storage#object",
        "id": f"{bucket}/{stored.name}/{stored.generation}",
        "selfLink": f"{_SELF}/{bucket}/o/{name}",
        "mediaLink": f"{_MEDIA}/{bucket}/o/{name}?generation={stored.generation}&alt=media",
        "name": stored.name,
        "bucket": bucket,
        "generation": str(stored.generation),
        "metageneration": str(stored.metageneration),
        **stored.props,
        "size": str(stored.size),
        "crc32c": stored.crc32c,
        "etag": etag(stored.generation, stored.metageneration),
        "timeCreated": stamp(stored.created),
        "updated": stamp(stored.updated),
        "timeStorageClassUpdated": stamp(stored.created),
        "timeFinalized": stamp(stored.created),
    }
    if stored.md5:
        found["md5Hash"] = stored.md5
    if stored.components:
        found["componentCount"] = stored.components
    if stored.deleted:
        found["timeDeleted"] = stamp(stored.deleted)
    return found


def _location_type(location: str) -> str:
    if location in MULTI_REGIONS:
        return "multi-region"
    return "dual-region" if location in DUAL_REGIONS else "region"


def bucket_resource(record: dict[str, Any], number: str) -> dict[str, Any]:
    """Return the bucket resource (``projection=noAcl``)."""
    created = stamp(record["created"])
    found: dict[str, Any] = {
        "kind": "storage#bucket",
        "id": record["name"],
        "selfLink": f"{_SELF}/{record['name']}",
        "projectNumber": number,
        "name": record["name"],
        "timeCreated": created,
        "updated": stamp(record["updated"]),
        "generation": str(record["generation"]),
        "metageneration": str(record["metageneration"]),
        "iamConfiguration": {
            "bucketPolicyOnly": {"enabled": True},
            "uniformBucketLevelAccess": {"enabled": True},
            "publicAccessPrevention": record["public_access"],
        },
        "location": record["location"],
        "locationType": _location_type(record["location"]),
        "storageClass": record["storage_class"],
        "softDeletePolicy": {"retentionDurationSeconds": "0"},
        "etag": etag(record["generation"], record["metageneration"]),
    }
    if record["labels"]:
        found["labels"] = record["labels"]
    if record["versioning"] is not None:
        found["versioning"] = {"enabled": record["versioning"]}
    return found


def folder_resource(bucket: str, record: dict[str, Any]) -> dict[str, Any]:
    """Return the managed folder resource."""
    name = record["name"]
    return {
        "kind": "storage#managedFolder",
        "id": f"{bucket}/{name}",
        "selfLink": f"{_SELF}/{bucket}/managedFolders/{quote(name, safe='')}",
        "name": name,
        "bucket": bucket,
        "metageneration": str(record["metageneration"]),
        "createTime": stamp(record["created"]),
        "updateTime": stamp(record["created"]),
    }
