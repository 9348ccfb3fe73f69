"""One connection to a Kubernetes API, as one context of one kubeconfig.

Owns the official client and the mapping of its exceptions to ours. Refuses Workflows through Argo
Server: admission must see the user's own identity.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from argovx_lab.cluster.answers import from_answer, from_status
from argovx_lab.cluster.create import PATIENCE_S, Waiting, create
from argovx_lab.errors import Conflict, CredentialError, NotFound, RemoteError, Unavailable
from argovx_lab.model.wire import json_object

logger = logging.getLogger(__name__)

Object = dict[str, Any]

GROUP = "argoproj.io"
VERSION = "v1alpha1"

#: Connect and read time-outs of one request. Unit: seconds.
REQUEST_TIMEOUT_S = (3.0, 20.0)

#: Longest silence on a watch before it is opened anew. Unit: seconds.
WATCH_TIMEOUT_S = 60


class Cluster:
    """Calls to one Kubernetes API in one namespace.

    Parameters
    ----------
    kubeconfig : Path
        File to read; ``context`` names the entry to use.
    """

    def __init__(self, kubeconfig: Path, context: str, namespace: str) -> None:
        self.kubeconfig = kubeconfig
        self.context = context
        self.namespace = namespace

    @cached_property
    def _api(self) -> Any:
        from kubernetes import client, config

        loaded: Any = client.Configuration()
        loaded.proxy = None
        try:
            config.load_kube_config(str(self.kubeconfig), self.context, client_configuration=loaded)
        except config.ConfigException as error:
            raise CredentialError(
                f"kubeconfig context {self.context!r} cannot be used", hint="Run: argovx doctor"
            ) from error
        return client.ApiClient(loaded)

    def create_workflow(
        self, body: Object, *, patience_s: float = PATIENCE_S, waiting: Waiting | None = None
    ) -> Object:
        """Create a Workflow and return it; one that is there already with the same plan is that success.

        Parameters
        ----------
        patience_s : float
            While the API server is busy (429, 503), the call is repeated for so long.
        waiting : callable, optional
            Is told of each pause: its seconds, and why.

        Raises
        ------
        Conflict
            When another Workflow has the name.
        Unavailable
            When it was not created, or whether it was is not known.
        """
        return create(self, body, patience_s=patience_s, waiting=waiting or _quietly)

    def post_workflow(self, body: Object) -> Object:
        """Send the create call once; see :meth:`create_workflow`."""
        return self._call("POST", self._workflows(), body=body, what=f"Workflow {body['metadata']['name']}")

    def get_workflow(self, name: str) -> Object | None:
        """Return a Workflow, or ``None`` when it is not there."""
        try:
            return self._call("GET", self._workflows(name), what=f"Workflow {name}")
        except NotFound:
            return None

    def list_workflows(self, label_selector: str = "") -> tuple[list[Object], str]:
        """Return the namespace's Workflows and the list's resourceVersion."""
        query = [("labelSelector", label_selector)] if label_selector else []
        answer = self._call("GET", self._workflows(), query=query, what="the Workflows")
        return list(answer.get("items") or []), str(answer["metadata"]["resourceVersion"])

    def patch_workflow(self, name: str, patch: Object) -> Object:
        """Apply a JSON merge patch to a Workflow."""
        return self._call("PATCH", self._workflows(name), body=patch, what=f"Workflow {name}")

    def watch_workflows(self, resource_version: str) -> Iterator[tuple[str, Object]]:
        """Yield ``(type, object)`` for each change after ``resource_version`` until the server ends it.

        Raises
        ------
        Conflict
            With reason ``Expired`` when the version is too old: list again.
        """
        query = [
            ("watch", "true"),
            ("resourceVersion", resource_version),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(WATCH_TIMEOUT_S)),
        ]
        from urllib3.exceptions import HTTPError

        what = "the Workflows"
        response = self._send("GET", self._workflows(), what, None, query, WATCH_TIMEOUT_S + 15)
        try:
            for line in _lines(response):
                kind, obj = _event(line)
                if kind == "ERROR":
                    raise from_status(obj, int(obj.get("code", 500)), "the watch")
                yield kind, obj
        except (HTTPError, OSError) as error:
            raise Unavailable("the watch on Workflows broke off", service="kubernetes") from error
        finally:
            response.close()

    def who_am_i(self) -> str:
        """Return the user name that the API server sees."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = self._call(
            "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=body, what="myself"
        )
        return str(answer["status"]["userInfo"]["username"])

    def can_i(self, verb: str, resource: str, group: str = "", *, namespaced: bool = True) -> bool:
        """Ask the API server whether this user may do something."""
        attributes = {"verb": verb, "resource": resource, "group": group}
        if namespaced:
            attributes["namespace"] = self.namespace
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool(self._call("POST", path, body=body, what="a review")["status"]["allowed"])

    def get_cluster_template(self, name: str) -> Object | None:
        """Return a ClusterWorkflowTemplate, or ``None`` when it is not installed."""
        try:
            return self._call("GET", f"/apis/{GROUP}/{VERSION}/clusterworkflowtemplates/{name}", what=name)
        except NotFound:
            return None

    def apply(self, obj: Object) -> Object:
        """Create an object, or merge-patch the one that is there."""
        path, name = _collection(obj), obj["metadata"]["name"]
        what = f"{obj['kind']} {name}"
        try:
            return self._call("POST", path, body=obj, what=what)
        except Conflict:
            return self._call("PATCH", f"{path}/{name}", body=obj, what=what)

    def cron(self, method: str, name: str = "", body: Object | None = None) -> Object:
        """Send one request about the namespace's CronWorkflows; see :mod:`argovx_lab.cluster.crons`."""
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{self.namespace}/cronworkflows"
        return self._call(
            method, f"{path}/{name}" if name else path, body=body, what=f"CronWorkflow {name}".strip()
        )

    def _workflows(self, name: str = "") -> str:
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{self.namespace}/workflows"
        return f"{path}/{name}" if name else path

    def _call(
        self,
        method: str,
        path: str,
        *,
        what: str,
        body: Object | None = None,
        query: list[tuple[str, str]] | None = None,
    ) -> Object:
        response = self._send(method, path, what, body, query, REQUEST_TIMEOUT_S[1])
        answer = json_object(_body(response, what))
        if answer is None:
            raise RemoteError(f"the Kubernetes API's answer about {what} is no object", service="kubernetes")
        return answer

    def _send(
        self,
        method: str,
        path: str,
        what: str,
        body: Object | None,
        query: list[tuple[str, str]] | None,
        read_timeout_s: float,
    ) -> Any:
        url = path + (f"?{urlencode(query)}" if query else "")
        for fresh in (False, True):
            if fresh:
                self.__dict__.pop("_api", None)  # a token file is read once by the client: read it anew
            response = self._once(method, url, what, body, read_timeout_s)
            if response.status != 401:
                break
        if response.status >= 300:
            raise from_answer(
                _body(response, what), response.status, what, response.headers.get("Retry-After", "")
            )
        return response

    def _once(self, method: str, url: str, what: str, body: Object | None, read_timeout_s: float) -> Any:
        from urllib3 import Retry, Timeout
        from urllib3.exceptions import HTTPError

        settings = self._api.configuration
        # again, on a fresh connection, where that is harmless: a kept one may belong to a server that died
        retry = Retry(
            3,
            redirect=0,
            status=0,
            other=0,
            allowed_methods={"GET"},
            backoff_factor=0.1,
            respect_retry_after_header=False,  # an answer is an answer: who waits for how long is said above
        )
        headers = {"Accept": "application/json", "User-Agent": "argovx-lab"}
        if body is not None:
            merge = method == "PATCH"
            headers["Content-Type"] = "application/merge-patch+json" if merge else "application/json"
        for key in settings.auth_settings().values():
            headers[key["key"]] = key["value"]
        try:
            return self._api.rest_client.pool_manager.request(
                method,
                settings.host + url,
                headers=headers,
                body=None if body is None else json.dumps(body).encode(),
                preload_content=False,
                redirect=False,
                retries=retry,
                timeout=Timeout(connect=REQUEST_TIMEOUT_S[0], read=read_timeout_s),
            )
        except HTTPError as error:
            raise Unavailable(
                f"the Kubernetes API did not answer about {what}",
                hint="Run: argovx doctor",
                service="kubernetes",
            ) from error


def _quietly(pause_s: float, reason: str) -> None:
    logger.info("waiting %.1f s: %s", pause_s, reason)


def _body(response: Any, what: str) -> bytes:
    """Return an answer's whole body, which is read only now: the connection may break off under it."""
    from urllib3.exceptions import HTTPError

    try:
        return bytes(response.data)
    except (HTTPError, OSError) as error:
        raise Unavailable(
            f"the Kubernetes API's answer about {what} broke off", service="kubernetes"
        ) from error


def _event(line: bytes) -> tuple[str, Object]:
    """Read one line of a watch; what is none, as behind a proxy, ends the watch and is listed anew."""
    event = json_object(line) or {}
    if "type" not in event or "object" not in event:
        raise Unavailable("the watch on Workflows brought no event", service="kubernetes")
    return event["type"], event["object"]


def _lines(response: Any) -> Iterator[bytes]:
    """Split a stream into lines; urllib3's own iterator waits for full blocks."""
    rest = b""
    while chunk := response.read1():
        *complete, rest = (rest + chunk).split(b"\n")
        yield from (line for line in complete if line.strip())


def _collection(obj: Object) -> str:
    group, _, version = str(obj["apiVersion"]).rpartition("/")
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    plural = _PLURALS[obj["kind"]]
    namespace = obj["metadata"].get("namespace")
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


_PLURALS = {
    "ClusterWorkflowTemplate": "clusterworkflowtemplates",
    "ConfigMap": "configmaps",
}
