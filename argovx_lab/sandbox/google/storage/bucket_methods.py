"""Methods on buckets, managed folders and their policies: permission first, then state.

Source: https://cloud.google.com/storage/docs/json_api/v1/buckets, …/managedFolders
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from argovx_lab.sandbox.google.errors import GoogleError
from argovx_lab.sandbox.google.iam import Iam
from argovx_lab.sandbox.google.storage.access import bucket_resource as bucket_name
from argovx_lab.sandbox.google.storage.access import folder_resource as folder_name
from argovx_lab.sandbox.google.storage.access import object_resource as object_name
from argovx_lab.sandbox.google.storage.buckets import Buckets
from argovx_lab.sandbox.google.storage.call import Call
from argovx_lab.sandbox.google.storage.catalog import Catalog
from argovx_lab.sandbox.google.storage.errors import condition_not_met, invalid, required
from argovx_lab.sandbox.google.storage.names import check_folder, check_object
from argovx_lab.sandbox.google.storage.preconditions import Preconditions, check_tags
from argovx_lab.sandbox.google.storage.resources import bucket_resource, folder_resource
from argovx_lab.sandbox.http import Response

#: Source: https://cloud.google.com/storage/docs/json_api/v1/buckets/list
_PAGE_MAX: Final = 1000


class BucketMethods:
    """Handlers of ``/b``, ``/b/{bucket}``, ``/b/{bucket}/iam`` and ``/b/{bucket}/managedFolders``.

    Parameters
    ----------
    iam, catalog, buckets
        Decisions, records and state.
    """

    def __init__(self, iam: Iam, catalog: Catalog, buckets: Buckets) -> None:
        self._iam = iam
        self._catalog = catalog
        self._buckets = buckets

    async def insert(self, call: Call) -> Response:
        """``POST /b?project=…``."""
        self._project(call)
        call.access.project("storage.buckets.create", self._iam.project)
        fields = await call.json()
        name = fields.get("name")
        if not isinstance(name, str) or not name:
            raise required("name")
        return self._bucket(call, self._buckets.create(name, fields))

    async def list(self, call: Call) -> Response:
        """``GET /b?project=…``."""
        self._project(call)
        call.flag("returnPartialSuccess")  # every bucket can be reached, so the answer is always whole
        call.access.project("storage.buckets.list", self._iam.project)
        limit = call.limit(_PAGE_MAX)
        found = islice(
            self._catalog.buckets(call.params.get("prefix", ""), call.params.get("pageToken", "")), limit + 1
        )
        records = list(found)
        answer: dict[str, Any] = {"kind": "storage#buckets"}
        if len(records) > limit:
            answer["nextPageToken"] = records[limit - 1]["name"]
        if records[:limit]:
            answer["items"] = [bucket_resource(record, self._iam.number) for record in records[:limit]]
        return call.answer(answer)

    async def get(self, call: Call) -> Response:
        """``GET /b/{bucket}``."""
        record = self._checked(call, "storage.buckets.get", read=True)
        return self._bucket(call, record)

    async def get_layout(self, call: Call) -> Response:
        """``GET /b/{bucket}/storageLayout``."""
        resource = bucket_resource(self._checked(call, "storage.buckets.get"), self._iam.number)
        answer = {"kind": "storage#storageLayout", "bucket": call.names[0]}
        answer |= {name: resource[name] for name in ("location", "locationType")}
        return call.answer({**answer, "hierarchicalNamespace": {"enabled": False}})

    async def patch(self, call: Call) -> Response:
        """``PATCH /b/{bucket}``."""
        return await self._change(call, replace=False)

    async def update(self, call: Call) -> Response:
        """``PUT /b/{bucket}``."""
        return await self._change(call, replace=True)

    async def _change(self, call: Call, *, replace: bool) -> Response:
        self._checked(call, "storage.buckets.update")
        fields = await call.json()
        # the body has been awaited: look again before writing
        record = self._checked(call, "storage.buckets.update")
        return self._bucket(call, self._buckets.patch(record, fields, replace=replace))

    async def delete(self, call: Call) -> Response:
        """``DELETE /b/{bucket}``."""
        self._checked(call, "storage.buckets.delete")
        self._buckets.delete(call.names[0])
        return Response(204)

    def _checked(self, call: Call, permission: str, *, read: bool = False) -> dict[str, Any]:
        record = self._buckets.get(call.names[0])
        call.access.bucket(permission, call.names[0])
        pre = Preconditions.of(call.params)
        etag = bucket_resource(record, self._iam.number)["etag"]
        pre.check(record["generation"], record["metageneration"], etag=etag, read=read)
        if read:
            check_tags(call.request.headers, etag)
        return record

    def _bucket(self, call: Call, record: dict[str, Any]) -> Response:
        return call.answer(bucket_resource(record, self._iam.number))

    def _project(self, call: Call) -> None:
        project = call.params.get("project")
        if not project:
            raise required("project")
        if project not in (self._iam.project, self._iam.number):
            call.access.project("storage.buckets.list", project)

    # policies

    async def get_policy(self, call: Call) -> Response:
        """``GET …/iam`` of a bucket or a managed folder."""
        key, _ = self._policy_of(call, "getIamPolicy")
        version = call.params.get("optionsRequestedPolicyVersion", "1")
        if version not in ("1", "2", "3"):
            raise invalid(f"Invalid policy version {version!r}: 1 or 3.", "optionsRequestedPolicyVersion")
        return self._policy(call, key)

    async def set_policy(self, call: Call) -> Response:
        """``PUT …/iam`` of a bucket or a managed folder."""
        key, _ = self._policy_of(call, "setIamPolicy")
        document = await call.json()
        try:
            self._iam.policies.set(key, document)
        except GoogleError as error:
            if error.code == "ABORTED":
                raise condition_not_met() from None
            raise
        return self._policy(call, key)

    async def test_permissions(self, call: Call) -> Response:
        """``GET …/iam/testPermissions`` of a bucket, a managed folder or an object."""
        bucket = call.names[0]
        self._buckets.get(bucket)
        resource = bucket_name(bucket)
        if len(call.names) > 1 and "/managedFolders/" in call.request.raw_path:
            self._buckets.folder(bucket, call.names[1])
            resource = folder_name(bucket, call.names[1])
        elif len(call.names) > 1:
            resource = object_name(bucket, check_object(call.names[1]))
        wanted = [value for name, value in call.request.query if name == "permissions"]
        if not wanted:
            raise required("permissions")
        answer: dict[str, Any] = {"kind": "storage#testIamPermissionsResponse"}
        if granted := call.access.test(wanted, resource):
            answer["permissions"] = granted
        return call.answer(answer)

    def _policy_of(self, call: Call, verb: str) -> tuple[str, str]:
        """Check the permission and return the policy's key."""
        bucket = call.names[0]
        self._buckets.get(bucket)
        if len(call.names) == 1:
            call.access.bucket(f"storage.buckets.{verb}", bucket)
            return f"buckets/{bucket}", ""
        folder = call.names[1]
        call.access.folder(f"storage.managedFolders.{verb}", bucket, folder)
        self._buckets.folder(bucket, folder)
        return f"buckets/{bucket}/managedFolders/{folder}", folder

    def _policy(self, call: Call, key: str) -> Response:
        bucket, _, folder = key.removeprefix("buckets/").partition("/managedFolders/")
        resource = f"projects/_/buckets/{bucket}" + (f"/managedFolders/{folder}" if folder else "")
        policy = self._iam.policies.get(key)
        return call.answer({"kind": "storage#policy", "resourceId": resource, **policy})

    # managed folders

    async def insert_folder(self, call: Call) -> Response:
        """``POST /b/{bucket}/managedFolders``."""
        fields = await call.json()
        extra = set(fields) - {"name", "kind", "bucket"}
        if extra:
            raise invalid(f"Unknown name {min(extra)!r}: Cannot find field.", min(extra))
        bucket, name = call.names[0], fields.get("name")
        if not isinstance(name, str) or not name:
            raise required("name")
        check_folder(name)
        self._buckets.get(bucket)
        call.access.folder("storage.managedFolders.create", bucket, name)
        return call.answer(folder_resource(bucket, self._buckets.create_folder(bucket, name)))

    async def list_folders(self, call: Call) -> Response:
        """``GET /b/{bucket}/managedFolders``."""
        bucket, limit = call.names[0], call.limit(_PAGE_MAX, "pageSize")
        self._buckets.get(bucket)
        prefix = call.params.get("prefix", "")
        if "/" in prefix:
            call.access.folder("storage.managedFolders.list", bucket, prefix[: prefix.rindex("/") + 1])
        else:
            call.access.bucket("storage.managedFolders.list", bucket)
        records = list(
            islice(self._catalog.folders(bucket, prefix, call.params.get("pageToken", "")), limit + 1)
        )
        answer: dict[str, Any] = {"kind": "storage#managedFolders"}
        if len(records) > limit:
            answer["nextPageToken"] = records[limit - 1]["name"]
        if records[:limit]:
            answer["items"] = [folder_resource(bucket, record) for record in records[:limit]]
        return call.answer(answer)

    async def get_folder(self, call: Call) -> Response:
        """``GET /b/{bucket}/managedFolders/{folder}``."""
        record = self._folder(call, "storage.managedFolders.get")
        return call.answer(folder_resource(call.names[0], record))

    async def delete_folder(self, call: Call) -> Response:
        """``DELETE /b/{bucket}/managedFolders/{folder}``."""
        self._folder(call, "storage.managedFolders.delete")
        non_empty = call.flag("allowNonEmpty")
        self._buckets.delete_folder(call.names[0], call.names[1], non_empty=non_empty)
        return Response(204)

    def _folder(self, call: Call, permission: str) -> dict[str, Any]:
        bucket, name = call.names
        self._buckets.get(bucket)
        call.access.folder(permission, bucket, name)
        record = self._buckets.folder(bucket, name)
        Preconditions.of(call.params).check(1, record["metageneration"])
        return record

    async def service_account(self, call: Call) -> Response:
        """``GET /projects/{project}/serviceAccount``: Cloud Storage's own agent."""
        call.access.project("resourcemanager.projects.get", call.names[0])
        email = f"service-{self._iam.number}@gs-project-accounts.iam.gserviceaccount.com"
        return call.answer({"kind": "storage#serviceAccount", "email_address": email})
