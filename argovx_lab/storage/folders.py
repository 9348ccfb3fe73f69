"""Managed folders: what the caller may do below one. Asked, not tried; asking needs no permission.

A token with an access boundary would answer for its boundary; IAM's grants are asked with the one without.
Source: https://cloud.google.com/storage/docs/json_api/v1/managedFolders/testIamPermissions
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from argovx_lab.storage.session import Session, document, fault

#: Not ``storage``: that one's token may have a boundary.
_ASKED = "storage policies"


def held(
    session: Session, base_url: str, bucket: str, folder: str, permissions: Iterable[str]
) -> frozenset[str]:
    """Return those of ``permissions`` that the caller holds on a managed folder, inherited ones included.

    Parameters
    ----------
    folder : str
        Name of the folder, with its closing slash.

    Raises
    ------
    NotFound
        When there is no such managed folder.
    """
    place = f"{quote(bucket, safe='')}/managedFolders/{quote(folder, safe='')}"
    answer = session.request(
        "GET",
        f"{base_url.rstrip('/')}/storage/v1/b/{place}/iam/testPermissions",
        params={"permissions": list(permissions)},
        service=_ASKED,
    )
    if not 200 <= answer.status_code < 300:
        raise fault(answer, "storage.managedFolders.get", f"gs://{bucket}/{folder}")
    return frozenset(map(str, document(answer).get("permissions") or ()))
