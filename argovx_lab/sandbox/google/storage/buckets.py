"""Buckets and managed folders as state: created, changed, deleted; no requests and no permissions.

Owns the rules of a bucket's fields. Every bucket has uniform bucket-level access (organizations enforce it,
and federated identities need it), so turning it off is refused; so are the fields that nothing here honours.
Source: https://cloud.google.com/storage/docs/json_api/v1/buckets#resource
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from argovx_lab.sandbox.google.policies import Policies
from argovx_lab.sandbox.google.storage.catalog import Catalog
from argovx_lab.sandbox.google.storage.errors import (
    StorageError,
    acl,
    invalid,
    no_bucket,
    no_folder,
    not_emulated,
)
from argovx_lab.sandbox.google.storage.names import check_bucket, check_folder
from argovx_lab.sandbox.google.storage.props import STORAGE_CLASSES
from argovx_lab.sandbox.google.storage.resources import DUAL_REGIONS, MULTI_REGIONS

Record = dict[str, Any]

#: Source: https://cloud.google.com/storage/docs/tags-and-labels
LABELS_MAX: Final = 64
_OUTPUT = frozenset(
    {
        "kind", "id", "selfLink", "projectNumber", "name", "timeCreated", "updated", "generation",
        "metageneration", "location", "locationType", "etag", "owner",
    }
)  # fmt: skip
#: Fields that a client may set.
HONOURED: Final = frozenset(
    {"iamConfiguration", "labels", "location", "name", "softDeletePolicy", "storageClass", "versioning"}
)
#: Fields that nothing here honours, and what they may hold all the same: that they are off.
_OFF: Final[Mapping[str, tuple[Any, ...]]] = {
    "autoclass": ({"enabled": False},),
    "billing": ({"requesterPays": False},),
    "hierarchicalNamespace": ({"enabled": False},),
    "lifecycle": ({"rule": []},),
    "rpo": ("DEFAULT",),
}
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}\Z")
_LOCATION = re.compile(rf"(?:{'|'.join((*MULTI_REGIONS, *DUAL_REGIONS))}|[A-Z]+-[A-Z]+[0-9]+)\Z")


class Buckets:
    """All buckets and managed folders.

    Parameters
    ----------
    catalog : Catalog
        Their records.
    policies : Policies
        Their policies go when they go.
    """

    def __init__(self, catalog: Catalog, policies: Policies) -> None:
        self._catalog = catalog
        self._policies = policies

    def exists(self, name: str) -> bool:
        """Return whether there is such a bucket."""
        return self._catalog.bucket(name) is not None

    def get(self, name: str) -> Record:
        """Return a bucket's record.

        Raises
        ------
        StorageError
            404.
        """
        record = self._catalog.bucket(name)
        if record is None:
            raise no_bucket()
        return record

    def create(self, name: str, fields: Mapping[str, Any]) -> Record:
        """Create a bucket.

        Raises
        ------
        StorageError
            400 for a bad name or field, 409 when it is there, 501 for fields that are not emulated.
        """
        check_bucket(name)
        location = str(fields.get("location") or "US").upper()
        if not _LOCATION.match(location):
            raise invalid(f"The specified location constraint is not valid: {location[:40]!r}.", "location")
        now, generation = self._catalog.now().timestamp(), self._catalog.next_generation()
        record: Record = {
            "name": name,
            "location": location,
            "created": now,
            "updated": now,
            "generation": generation,
            "metageneration": 1,
            "labels": {},
            "versioning": None,
            "storage_class": "STANDARD",
            "public_access": "inherited",
        }
        rest = {k: v for k, v in fields.items() if k not in ("name", "location")}
        record = _changed(record, rest)
        with self._catalog.transaction():
            if self.exists(name):
                raise StorageError(
                    "ALREADY_EXISTS",
                    "Your previous request to create the named bucket succeeded and you already own it.",
                )
            self._catalog.put_bucket(record)
        return record

    def patch(self, record: Record, fields: Mapping[str, Any], *, replace: bool = False) -> Record:
        """Change a bucket; with ``replace`` fields that are not given fall back to their defaults.

        Raises
        ------
        StorageError
            As :meth:`create`.
        """
        base = {**record, "labels": {}, "versioning": None} if replace else record
        changed = _changed(base, fields)
        changed["updated"] = self._catalog.now().timestamp()
        changed["metageneration"] = record["metageneration"] + 1
        self._catalog.put_bucket(changed)
        return changed

    def delete(self, name: str) -> None:
        """Delete an empty bucket.

        Raises
        ------
        StorageError
            409 when it is not empty.
        """
        if not self._catalog.is_empty(name):
            raise StorageError("ALREADY_EXISTS", "The bucket you tried to delete is not empty.")
        with self._catalog.transaction():
            self._catalog.delete_bucket(name)
            self._policies.drop(f"buckets/{name}")

    def folder_exists(self, bucket: str, name: str) -> bool:
        """Return whether there is such a managed folder."""
        return self._catalog.folder(bucket, name) is not None

    def folder(self, bucket: str, name: str) -> Record:
        """Return a managed folder's record.

        Raises
        ------
        StorageError
            404.
        """
        record = self._catalog.folder(bucket, name)
        if record is None:
            raise no_folder(bucket, name)
        return record

    def create_folder(self, bucket: str, name: str) -> Record:
        """Create a managed folder.

        Raises
        ------
        StorageError
            400 for a bad name, 409 when it is there.
        """
        check_folder(name)
        if self.folder_exists(bucket, name):
            raise StorageError("ALREADY_EXISTS", "The managed folder you tried to create already exists.")
        record: Record = {"name": name, "created": self._catalog.now().timestamp(), "metageneration": 1}
        self._catalog.put_folder(bucket, record)
        return record

    def delete_folder(self, bucket: str, name: str, *, non_empty: bool) -> None:
        """Delete a managed folder, not its objects.

        Raises
        ------
        StorageError
            409 when objects lie below it and ``non_empty`` is false.
        """
        if not non_empty and next(self._catalog.objects(bucket, name), None) is not None:
            raise StorageError("ALREADY_EXISTS", "The managed folder you tried to delete is not empty.")
        with self._catalog.transaction():
            self._catalog.delete_folder(bucket, name)
            self._policies.drop(f"buckets/{bucket}/managedFolders/{name}")


def _changed(record: Record, fields: Mapping[str, Any]) -> Record:
    """Return ``record`` with the fields of a bucket resource applied; all else is refused or output-only."""
    new = {**record, "labels": dict(record["labels"])}
    for name, value in fields.items():
        if name in ("acl", "defaultObjectAcl"):
            if value:
                raise acl()
        elif name in _OUTPUT:
            if name == "location" and str(value).upper() != record["location"]:
                raise invalid("The location of a bucket cannot be changed.", name)
        elif name not in HONOURED:
            if value and value not in _OFF.get(name, ()):
                raise not_emulated(f"the bucket field {name}")
        elif name == "labels":
            new["labels"] = _labels(new["labels"], value)
        elif name == "versioning":
            new["versioning"] = _flag(name, value)
        elif name == "iamConfiguration":
            new["public_access"] = _access(record["public_access"], value)
        elif name == "storageClass":
            if value not in STORAGE_CLASSES:
                raise invalid(f"Invalid storage class {value!r}: one of {', '.join(STORAGE_CLASSES)}.", name)
            new["storage_class"] = value
        elif value and value != {"retentionDurationSeconds": "0"}:
            raise not_emulated("soft delete", "Set retentionDurationSeconds to 0.")
    return new


def _labels(old: Mapping[str, str], change: object) -> dict[str, str]:
    if change is None:
        return {}
    if not isinstance(change, dict):
        raise invalid("Invalid value for labels: an object of strings is wanted.", "labels")
    for key, value in change.items():
        good = value is None or (isinstance(value, str) and _LABEL_VALUE.match(value))
        if not _LABEL_KEY.match(key) or not good:
            raise invalid(
                f"Invalid label {str(key)[:70]!r}: lower case letters, digits, '-' and '_'.", "labels"
            )
    new = {k: v for k, v in {**old, **change}.items() if v is not None}
    if len(new) > LABELS_MAX:
        raise invalid(f"A bucket has at most {LABELS_MAX} labels.", "labels")
    return new


def _flag(name: str, value: object) -> bool | None:
    if value is None:
        return None
    if (
        not isinstance(value, dict)
        or set(value) - {"enabled"}
        or not isinstance(value.get("enabled", False), bool)
    ):
        raise invalid(f"Invalid value for {name}: {{'enabled': true or false}} is wanted.", name)
    return bool(value.get("enabled", False))


def _access(old: str, value: object) -> str:
    if value is None:
        return old
    if not isinstance(value, dict):
        raise invalid("Invalid value for iamConfiguration: an object is wanted.", "iamConfiguration")
    for name in ("uniformBucketLevelAccess", "bucketPolicyOnly"):
        if value.get(name) not in (None, {}, {"enabled": True}):
            raise not_emulated(
                "buckets without uniform bucket-level access", "Federated identities cannot use them either."
            )
    prevention = value.get("publicAccessPrevention", old)
    if prevention not in ("inherited", "enforced", "unspecified"):
        raise invalid(f"Invalid value for publicAccessPrevention: {prevention!r}.", "iamConfiguration")
    return "inherited" if prevention == "unspecified" else str(prevention)
