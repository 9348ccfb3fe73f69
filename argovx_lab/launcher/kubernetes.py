"""The launcher's few lines of Kubernetes: read its own Workflow, report its own outputs.

Owns these two calls. Refuses everything else: the account has the right to no more.

Notes
-----
The executor's wait container makes the WorkflowTaskResult, named like the node; a merge patch of its outputs
shows in the node within a second, and the final report replaces it. Source: Argo Workflows v4.1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from argovx_lab.errors import PermissionMissing, RemoteError, Unavailable
from argovx_lab.identity.http import BUSY, Transport
from argovx_lab.identity.settings import Patience
from argovx_lab.identity.suppliers import TokenFile
from argovx_lab.model.wire import json_object

_API = "apis/argoproj.io/v1alpha1/namespaces"

#: Both calls are short; a pod that is being stopped has no time to lose.
PATIENCE = Patience(connect_s=3.0, read_s=10.0, tries=4, total_s=15.0)


class Kubernetes:
    """One Workflow and one WorkflowTaskResult.

    Parameters
    ----------
    url : str
        API server.
    folder : str
        With ``token`` and ``ca.crt`` of the pod's ServiceAccount; the token is read afresh each time.
    """

    def __init__(
        self, url: str, folder: str, namespace: str, transport: Transport, patience: Patience = PATIENCE
    ) -> None:
        self._base = f"{url.rstrip('/')}/{_API}/{quote(namespace, safe='')}"
        self._token = TokenFile(os.path.join(folder, "token"))
        self._transport = transport
        self._patience = patience

    def workflow(self, name: str) -> dict[str, Any] | None:
        """Return the Workflow, or ``None`` when it is gone.

        Raises
        ------
        PermissionMissing, Unavailable, RemoteError
            As the API server answers.
        """
        status, doc = self._call("GET", f"workflows/{quote(name, safe='')}", None)
        return None if status == 404 else doc

    def report(self, node_id: str, values: Mapping[str, str]) -> bool:
        """Merge output parameters into the node's task result; ``False`` when it is not there yet."""
        parameters = [{"name": name, "value": value} for name, value in values.items()]
        status, _ = self._call(
            "PATCH",
            f"workflowtaskresults/{quote(node_id, safe='')}",
            {"outputs": {"parameters": parameters}},
        )
        return status != 404

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token.get_subject_token(None, None)}"}
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json"
        answer = self._transport.send(
            method,
            f"{self._base}/{path}",
            patience=self._patience,
            repeat=True,
            service="kubernetes",
            headers=headers,
            data=None if body is None else json.dumps(body).encode(),
        )
        status = answer.status_code
        if status == 404:
            return status, {}
        if status in (401, 403):
            verb = {"GET": "get", "PATCH": "patch"}[method]
            raise PermissionMissing(
                f"Kubernetes answers {status}: the pod's account may not {verb} {path.partition('/')[0]}",
                hint="The account wf-<user> needs workflows get and workflowtaskresults create, patch.",
            )
        if status in BUSY:
            raise Unavailable(f"Kubernetes answered {status}", service="kubernetes", status=status)
        if not 200 <= status < 300:
            raise RemoteError(
                f"Kubernetes answered {status} to {method} {path}", service="kubernetes", status=status
            )
        doc = json_object(answer.content)
        if doc is None:
            raise RemoteError("the answer of Kubernetes is not JSON", service="kubernetes", status=status)
        return status, doc
