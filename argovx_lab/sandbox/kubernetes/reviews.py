"""Reviews: questions about the caller or a token that are asked by POST and never stored.

Owns SelfSubjectReview, SelfSubjectAccessReview, SelfSubjectRulesReview and TokenReview; the reviews
about other users are not served.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.authentication import Authenticator, User
from argovx_lab.sandbox.kubernetes.interface import Object, Resource
from argovx_lab.sandbox.kubernetes.rbac import Attributes, Authorizer
from argovx_lab.sandbox.kubernetes.tokens import TokenRefused

_AUTHN, _AUTHZ = "authentication.k8s.io", "authorization.k8s.io"

REVIEWS = (
    Resource(_AUTHN, "v1", "selfsubjectreviews", "SelfSubjectReview", namespaced=False),
    Resource(_AUTHN, "v1", "tokenreviews", "TokenReview", namespaced=False),
    Resource(_AUTHZ, "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False),
    Resource(_AUTHZ, "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", namespaced=False),
)


@dataclass(frozen=True)
class Reviewer:
    """Answers reviews."""

    authenticator: Authenticator
    authorizer: Authorizer
    clock: Clock

    def answer(self, resource: Resource, user: User, body: Object) -> Object:
        """Return the review with its ``status`` filled in; 422 for a spec that asks nothing."""
        for key, wanted in (("kind", resource.kind), ("apiVersion", resource.api_version)):
            if body.setdefault(key, wanted) != wanted:
                raise status.bad_request(
                    f"the {key} in the data ({body[key]}) does not match the expected {key} ({wanted})"
                )
        spec = body.get("spec") or {}
        if not isinstance(spec, dict):
            raise status.bad_request(f"spec must be an object, it is {status.shown(spec)}")
        work = {
            "selfsubjectreviews": self._self,
            "tokenreviews": self._token,
            "selfsubjectaccessreviews": self._access,
            "selfsubjectrulesreviews": self._rules,
        }[resource.plural]
        head = {"kind": resource.kind, "apiVersion": resource.api_version}
        meta: Object = {"creationTimestamp": rfc3339(self.clock.now())}
        return {**head, "metadata": meta, **work(resource, user, spec)}

    def _self(self, _: Resource, user: User, __: Object) -> Object:
        return {"status": {"userInfo": user.info()}}

    def _token(self, resource: Resource, _: User, spec: Object) -> Object:
        token, audiences = spec.get("token"), spec.get("audiences") or []
        if not isinstance(token, str) or not token:
            raise status.invalid(resource, "", [status.missing("spec.token")])
        if not isinstance(audiences, list) or any(not isinstance(name, str) for name in audiences):
            cause = status.bad_value("spec.audiences", audiences, "must be a list of strings")
            raise status.invalid(resource, "", [cause])
        try:
            found, good = self.authenticator.review(token, audiences)
        except TokenRefused as error:
            return {"spec": spec, "status": {"user": {}, "error": str(error)}}
        return {
            "spec": spec,
            "status": {"authenticated": True, "user": found.info(), "audiences": good},
        }

    def _access(self, resource: Resource, user: User, spec: Object) -> Object:
        wanted = _attributes(resource, spec)
        allowed = self.authorizer.allowed(user, wanted)
        answer: Object = {"allowed": allowed}
        if not allowed:
            answer["reason"] = ""
        return {"spec": spec, "status": answer}

    def _rules(self, _: Resource, user: User, spec: Object) -> Object:
        place = spec.get("namespace")
        if not isinstance(place, str) or not place:
            raise status.bad_request("no namespace on request: spec.namespace of the review must be set")
        resources: list[Object] = []
        paths: list[Object] = []
        for rule in self.authorizer.rules(user, place):
            (paths if rule.get("nonResourceURLs") else resources).append(rule)
        found = {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}
        return {"spec": spec, "status": found}


def _attributes(resource: Resource, spec: Object) -> Attributes:
    on_resource, on_path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if isinstance(on_resource, dict) and on_path is None:
        known = {"namespace", "verb", "group", "version", "resource", "subresource", "name"}
        _check_strings(resource, "spec.resourceAttributes", on_resource, known)
        return Attributes(
            verb=on_resource.get("verb", ""),
            group=on_resource.get("group", ""),
            resource=on_resource.get("resource", ""),
            subresource=on_resource.get("subresource", ""),
            namespace=on_resource.get("namespace", ""),
            name=on_resource.get("name", ""),
        )
    if isinstance(on_path, dict) and on_resource is None:
        _check_strings(resource, "spec.nonResourceAttributes", on_path, {"verb", "path"})
        return Attributes(verb=on_path.get("verb", ""), path=on_path.get("path", "") or "/")
    why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
    raise status.invalid(resource, "", [status.bad_value("spec.resourceAttributes", on_resource, why)])


def _check_strings(resource: Resource, field: str, values: dict[str, Any], known: set[str]) -> None:
    causes = []
    for key, value in values.items():
        if key not in known:
            why = f"the sandbox does not know this field; it knows {', '.join(sorted(known))}"
            causes.append(status.not_allowed(f"{field}.{key}", why))
        elif not isinstance(value, str):
            causes.append(status.bad_value(f"{field}.{key}", value, "must be a string"))
    if causes:
        raise status.invalid(resource, "", causes)
