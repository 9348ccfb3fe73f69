"""What a POST to a subresource does: tokens of accounts, binding and eviction of pods.

Owns TokenRequest, Binding and Eviction; refuses every other subresource by name.
Source: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from argovx_lab.sandbox.clock import rfc3339
from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.delete_options import options_from
from argovx_lab.sandbox.kubernetes.interface import Object, Resource
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, Kind
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.tokens import Issuer

TOKEN_REQUEST = Resource("authentication.k8s.io", "v1", "tokenrequests", "TokenRequest")
#: Shortest lifetime of a token. Unit: seconds.
LIFETIME_MIN = 600
LIFETIME_DEFAULT = 3600
LIFETIME_MAX = 1 << 32


def post(
    registry: Registry,
    issuer: Issuer | None,
    kind: Kind,
    namespace: str,
    name: str,
    subresource: str,
    body: Object,
    *,
    dry_run: bool = False,
) -> Object:
    """Do what a POST to ``kind/name/subresource`` asks and return the answer."""
    path = f"{kind.id}/{subresource}"
    if path == "serviceaccounts/token":
        if issuer is None:
            raise status.not_served("serviceaccounts/token without an issuer")
        registry.get(kind, namespace, name)
        return request_token(registry, issuer, namespace, name, body)
    if path == "pods/binding":
        return bind(registry, namespace, name, body, dry_run=dry_run)
    if path == "pods/eviction":
        return evict(registry, namespace, name, body)
    raise status.not_served(path)


def request_token(registry: Registry, issuer: Issuer, namespace: str, name: str, body: Object) -> Object:
    """Answer a TokenRequest; 422 for a lifetime under ten minutes, 409 for a bound pod of another uid."""
    spec = body.get("spec")
    if not isinstance(spec, dict):
        spec = {}
    audiences, seconds = spec.get("audiences") or [], spec.get("expirationSeconds")
    seconds = LIFETIME_DEFAULT if seconds is None else seconds
    _check_request(audiences, seconds, spec)
    pod = _bound_pod(registry, namespace, spec.get("boundObjectRef"))
    token = issuer.issue(namespace, name, list(audiences), seconds, pod)
    until = registry.clock.now() + timedelta(seconds=seconds)
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "creationTimestamp": rfc3339(registry.clock.now()),
        },
        "spec": {
            "audiences": list(audiences) or [issuer.url],
            "expirationSeconds": seconds,
            "boundObjectRef": spec.get("boundObjectRef"),
        },
        "status": {"token": token, "expirationTimestamp": rfc3339(until)},
    }


def _check_request(audiences: Any, seconds: Any, spec: Object) -> None:
    causes = []
    if not isinstance(audiences, list) or any(not isinstance(item, str) for item in audiences):
        why = 'TokenRequest in version "v1" cannot be handled as a TokenRequest: json: spec.audiences must be'
        raise status.bad_request(f"{why} a list of strings")
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        causes.append(status.bad_value("spec.expirationSeconds", seconds, "must be an integer"))
    elif seconds < LIFETIME_MIN:
        why = "may not specify a duration less than 10 minutes"
        causes.append(status.bad_value("spec.expirationSeconds", seconds, why))
    elif seconds > LIFETIME_MAX:
        why = "may not specify a duration larger than 2^32 seconds"
        causes.append(status.bad_value("spec.expirationSeconds", seconds, why))
    causes += [
        status.not_allowed(f"spec.{field}", "the sandbox does not know this field")
        for field in sorted(set(spec) - {"audiences", "expirationSeconds", "boundObjectRef"})
    ]
    if causes:
        raise status.invalid(TOKEN_REQUEST, "", causes)


def _bound_pod(registry: Registry, namespace: str, reference: Any) -> Object | None:
    if reference is None:
        return None
    if not isinstance(reference, dict):
        raise status.bad_request(f"boundObjectRef must be an object, it is {status.shown(reference)}")
    if reference.get("kind") != "Pod" or reference.get("apiVersion", "v1") != "v1":
        raise status.bad_request(
            f"cannot bind token to object of type {reference.get('apiVersion')},"
            f" Kind={reference.get('kind')}: the sandbox binds tokens to v1 Pods only"
        )
    pod = registry.get(BY_ID["pods"], namespace, str(reference.get("name") or "")).object()
    meta = pod["metadata"]
    if reference.get("uid") and reference["uid"] != meta["uid"]:
        why = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record"
        raise status.conflict(BY_ID["pods"].resource, meta["name"], why)
    return pod


def bind(registry: Registry, namespace: str, name: str, body: Object, *, dry_run: bool = False) -> Object:
    """Give a pod its node, once; 409 when it already has one."""
    kind = BY_ID["pods"]
    target = body.get("target")
    node = target.get("name") if isinstance(target, dict) else None
    if not isinstance(node, str) or not node:
        raise status.invalid(kind.resource, name, [status.missing("target.name")])
    record = registry.get(kind, namespace, name)
    pod = record.object()
    if pod["metadata"].get("deletionTimestamp"):
        raise status.conflict(
            kind.resource, name, f"pod {name} is being deleted, cannot be assigned to a host"
        )
    if pod["spec"].get("nodeName"):
        bound = pod["spec"]["nodeName"]
        raise status.conflict(
            kind.resource, name, f"pod {name} is already assigned to node {status.shown(bound)}"
        )
    pod["spec"]["nodeName"] = node
    conditions = pod.setdefault("status", {}).setdefault("conditions", [])
    stamp = rfc3339(registry.clock.now())
    conditions.append({"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp})
    if not dry_run:
        registry.store.put(kind, pod)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def evict(registry: Registry, namespace: str, name: str, body: Object) -> Object:
    """Delete a pod as an Eviction; there are no disruption budgets that could stand in the way."""
    registry.delete(BY_ID["pods"], namespace, name, options_from(body.get("deleteOptions") or {}, {}))
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
