"""Who may do what in Cloud Storage, and how it says no.

Owns resource names and the wording of 401 and 403; the decision is IAM's. The resource of a listing is the
bucket, so conditions on object names do not cover it; a managed folder's policy covers listings below it.
Source: https://cloud.google.com/storage/docs/access-control/iam-json
"""

from __future__ import annotations

from argovx_lab.sandbox.google.auth import require_scope
from argovx_lab.sandbox.google.caller import Caller
from argovx_lab.sandbox.google.iam import LIST_PREFIX, Iam, project_resource
from argovx_lab.sandbox.google.noted import Noted
from argovx_lab.sandbox.google.storage.errors import StorageError, no_object

SERVICE = "storage.googleapis.com"


def bucket_resource(bucket: str) -> str:
    """Return the full resource name of a bucket."""
    return f"//{SERVICE}/projects/_/buckets/{bucket}"


def object_resource(bucket: str, name: str) -> str:
    """Return the full resource name of an object."""
    return f"{bucket_resource(bucket)}/objects/{name}"


def folder_resource(bucket: str, name: str) -> str:
    """Return the full resource name of a managed folder."""
    return f"{bucket_resource(bucket)}/managedFolders/{name}"


class Access:
    """Checks one caller.

    Parameters
    ----------
    iam : Iam
        Decides.
    caller : Caller, optional
        ``None`` is an anonymous caller.
    write : bool
        Whether the request changes something: read-only scopes are not enough then.
    noted : Noted, optional
        Learns what was asked.
    """

    def __init__(self, iam: Iam, caller: Caller | None, *, write: bool, noted: Noted | None = None) -> None:
        self._iam = iam
        self._noted = noted or Noted()
        self.caller = caller
        self._write = write

    def project(self, permission: str, project: str) -> None:
        """Require a permission on the project; see :meth:`object` for errors."""
        self._require(permission, project_resource(project), "project")

    def bucket(self, permission: str, bucket: str) -> None:
        """Require a permission on a bucket; see :meth:`object` for errors."""
        self._require(permission, bucket_resource(bucket), "bucket")

    def folder(self, permission: str, bucket: str, name: str) -> None:
        """Require a permission on a managed folder; see :meth:`object` for errors."""
        self._require(permission, folder_resource(bucket, name), "managed folder")

    def object(self, permission: str, bucket: str, name: str) -> None:
        """Require a permission on an object, whether it exists or not.

        Raises
        ------
        StorageError
            401 for an anonymous caller, 403 for one without the permission.
        GoogleError
            403 for a token without the scope.
        """
        self._require(permission, object_resource(bucket, name), "object")

    def listing(self, bucket: str, prefix: str) -> None:
        """Require ``storage.objects.list`` for a listing with this prefix; errors as :meth:`object`."""
        self._noted.permission, self._noted.resource = "storage.objects.list", bucket_resource(bucket)
        if self.caller is None or not self._may_list(bucket, prefix):
            self._require("storage.objects.list", bucket_resource(bucket), "bucket")

    def missing(self, permission: str, bucket: str, name: str) -> StorageError:
        """Return the error for an object that is not there: who may not list is not told so."""
        if self._may_list(bucket, name):
            return no_object(bucket, name)
        return self._denied(permission, "object")

    def test(self, permissions: list[str], resource: str) -> list[str]:
        """Return which permissions the caller has on a resource of this service."""
        if self.caller is None:
            return []
        require_scope(self.caller, SERVICE, write=self._write)
        return self._iam.test(self.caller, permissions, resource)

    def _may_list(self, bucket: str, prefix: str) -> bool:
        if self.caller is None:
            return False
        require_scope(self.caller, SERVICE, write=self._write)
        return self._iam.allows(
            self.caller,
            "storage.objects.list",
            bucket_resource(bucket),
            attributes={LIST_PREFIX: prefix},
        )

    def _require(self, permission: str, resource: str, kind: str) -> None:
        self._noted.permission, self._noted.resource = permission, resource[:500]
        if self.caller is not None:
            require_scope(self.caller, SERVICE, write=self._write)
            if self._iam.allows(self.caller, permission, resource):
                return
        raise self._denied(permission, kind)

    def _denied(self, permission: str, kind: str) -> StorageError:
        what = kind if kind == "project" else f"Storage {kind}"
        text = (
            f"does not have {permission} access to the Google Cloud {what}. "
            f"Permission '{permission}' denied on resource (or it may not exist)."
        )
        if self.caller is None:
            return StorageError(
                "UNAUTHENTICATED",
                f"Anonymous caller {text}",
                why="required",
                headers={"www-authenticate": 'Bearer realm="https://accounts.google.com/"'},
            )
        return StorageError("PERMISSION_DENIED", f"{self.caller.email or self.caller.principal} {text}")
