"""ValidatingAdmissionPolicies: what they match, and what they say.

Owns matching, variables, parameters and the refusal; expressions that use ``authorizer`` are refused when
the policy is made. The sandbox's own controllers write as ``system:serviceaccount:argo:argo``.
Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.cel import CelError
from argovx_lab.sandbox.kubernetes.interface import ApiError, Object
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, Kind
from argovx_lab.sandbox.kubernetes.policies import BINDINGS, POLICIES, kind_of, program
from argovx_lab.sandbox.kubernetes.store import Store

#: Who the sandbox's engine and node are to a policy.
CONTROLLER: Object = {
    "username": "system:serviceaccount:argo:argo",
    "groups": ["system:serviceaccounts", "system:serviceaccounts:argo", "system:authenticated"],
}
_REASONS = {"Unauthorized": 401, "Forbidden": 403, "Invalid": 422, "RequestEntityTooLarge": 413}


class _Variables(Mapping[str, Any]):
    """A policy's variables, each evaluated when it is first asked for."""

    def __init__(self, listed: list[Object], values: dict[str, Any]) -> None:
        self._programs = {item["name"]: item["expression"] for item in listed}
        self._values, self._known = values, dict[str, Any]()

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = program(self._programs[name])(self._values)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._programs)

    def __len__(self) -> int:
        return len(self._programs)


class Admission:
    """Asks every policy that is bound.

    Attributes
    ----------
    warnings : list of str
        What bindings with ``Warn`` said of the last write.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.warnings: list[str] = []

    def review(
        self,
        kind: Kind,
        operation: str,
        new: Object | None,
        old: Object | None,
        *,
        subresource: str = "",
        user: Object | None = None,
        dry_run: bool = False,
    ) -> None:
        """Refuse a write that a policy denies; policies and their bindings are never reviewed."""
        self.warnings = []
        bindings = self._store.select(BINDINGS, "")
        if not bindings or kind in (POLICIES, BINDINGS):
            return
        request = _request(kind, operation, new or old or {}, subresource, user or CONTROLLER, dry_run)
        for binding in (record.object() for record in bindings):
            found = self._store.get(POLICIES, "", binding["spec"].get("policyName", ""))
            if found is not None:
                self._judge(found.object(), binding, kind, request, new, old)

    def _judge(
        self,
        policy: Object,
        binding: Object,
        kind: Kind,
        request: Object,
        new: Object | None,
        old: Object | None,
    ) -> None:
        place = self._namespace(request["namespace"])
        if kind.id == "namespaces":
            place = new or old
        constraints = (policy["spec"].get("matchConstraints"), binding["spec"].get("matchResources"))
        if not all(_matches(part, kind, request, new, old, place) for part in constraints):
            return
        for params in self._params(policy, binding, kind, request):
            values: dict[str, Any] = {
                "object": new,
                "oldObject": old,
                "request": request,
                "params": params,
                "namespaceObject": place,
            }
            values["variables"] = _Variables(policy["spec"].get("variables") or [], values)
            self._validate(policy, binding, kind, request, values)

    def _validate(
        self, policy: Object, binding: Object, kind: Kind, request: Object, values: dict[str, Any]
    ) -> None:
        strict = policy["spec"].get("failurePolicy", "Fail") == "Fail"
        try:
            if not all(
                _holds(item["expression"], values) for item in policy["spec"].get("matchConditions") or []
            ):
                return
        except CelError as error:
            if strict:
                self._say(
                    policy, binding, kind, request, f"match condition evaluation failed: {error}", "Invalid"
                )
            return
        for validation in policy["spec"].get("validations") or []:
            try:
                if _holds(validation["expression"], values):
                    continue
                why = _message(validation, values)
            except CelError as error:
                if not strict:
                    continue
                why = f"expression '{validation['expression']}' resulted in error: {error}"
            self._say(policy, binding, kind, request, why, validation.get("reason") or "Invalid")

    def _say(
        self, policy: Object, binding: Object, kind: Kind, request: Object, why: str, reason: str
    ) -> None:
        names = f"ValidatingAdmissionPolicy '{policy['metadata']['name']}'"
        names += f" with binding '{binding['metadata']['name']}'"
        actions = binding["spec"].get("validationActions") or []
        if "Warn" in actions:
            self.warnings.append(f"Validation failed for {names}: {why}")
        if "Deny" in actions:
            base = status.forbidden(kind.resource, request["name"], f"{names} denied request: {why}")
            details = {**base.details, "causes": [{"message": f"{names} denied request: {why}"}]}
            raise ApiError(_REASONS.get(reason, 422), reason, base.message, details)

    def _namespace(self, name: str) -> Object | None:
        record = self._store.get(BY_ID["namespaces"], "", name) if name else None
        return record.object() if record is not None else None

    def _params(self, policy: Object, binding: Object, kind: Kind, request: Object) -> list[Object | None]:
        wanted, reference = policy["spec"].get("paramKind"), binding["spec"].get("paramRef")
        if not wanted or not reference:
            return [None]
        found_kind = kind_of(wanted)
        assert found_kind is not None
        place = reference.get("namespace") or request["namespace"] if found_kind.resource.namespaced else ""
        if reference.get("name"):
            record = self._store.get(found_kind, place, reference["name"])
            found = [record.object()] if record is not None else []
        else:
            every = [record.object() for record in self._store.select(found_kind, place)]
            found = [item for item in every if _selected(reference.get("selector"), item)]
        if not found and reference.get("parameterNotFoundAction") != "Allow":
            why = "failed to configure binding: no params found for policy binding with `Deny`"
            why += " parameterNotFoundAction"
            self._say(policy, binding, kind, request, why, "Invalid")
        return list(found)


def _request(
    kind: Kind, operation: str, obj: Object, subresource: str, user: Object, dry_run: bool
) -> Object:
    resource, meta = kind.resource, obj.get("metadata") or {}
    return {
        "kind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "resource": {"group": resource.group, "version": resource.version, "resource": resource.plural},
        "subResource": subresource,
        "name": meta.get("name", ""),
        "namespace": meta.get("namespace", ""),
        "operation": operation,
        "userInfo": user,
        "dryRun": dry_run,
    }


def _matches(
    part: Object | None,
    kind: Kind,
    request: Object,
    new: Object | None,
    old: Object | None,
    place: Object | None,
) -> bool:
    if not part:
        return True
    rules = part.get("resourceRules")
    if rules and not any(_rule(rule, kind, request) for rule in rules):
        return False
    if any(_rule(rule, kind, request) for rule in part.get("excludeResourceRules") or []):
        return False
    if place is not None and not _selected(part.get("namespaceSelector"), place):
        return False
    objects = [obj for obj in (new, old) if obj is not None]
    return any(_selected(part.get("objectSelector"), obj) for obj in objects)


def _rule(rule: Object, kind: Kind, request: Object) -> bool:
    resource, sub = kind.resource, request["subResource"]
    names = {f"{resource.plural}/{sub}", f"{resource.plural}/*", f"*/{sub}", "*/*"} if sub else {
        resource.plural, "*", "*/*",
    }  # fmt: skip
    scope = rule.get("scope") or "*"
    return (
        bool({resource.group, "*"} & set(rule.get("apiGroups") or []))
        and bool({resource.version, "*"} & set(rule.get("apiVersions") or []))
        and bool({request["operation"], "*"} & set(rule.get("operations") or []))
        and bool(names & set(rule.get("resources") or []))
        and (not rule.get("resourceNames") or request["name"] in rule["resourceNames"])
        and scope in ("*", "Namespaced" if resource.namespaced else "Cluster")
    )


def _selected(selector: Object | None, obj: Object) -> bool:
    labels = obj["metadata"].get("labels") or {}
    if not selector:
        return True
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_requirement(item, labels) for item in selector.get("matchExpressions") or [])


def _requirement(item: Object, labels: Object) -> bool:
    key, operator, values = item.get("key"), item.get("operator"), item.get("values") or []
    found = labels.get(str(key))
    return {
        "In": found is not None and found in values,
        "NotIn": found not in values,
        "Exists": found is not None,
        "DoesNotExist": found is None,
    }.get(str(operator), False)


def _holds(expression: str, values: dict[str, Any]) -> bool:
    found = program(expression)(values)
    if not isinstance(found, bool):
        raise CelError("the expression must come to a bool")
    return found


def _message(validation: Object, values: dict[str, Any]) -> str:
    if validation.get("messageExpression"):
        try:
            found = program(validation["messageExpression"])(values)
            if isinstance(found, str) and found.strip():
                return found.strip()
        except CelError:
            pass  # the real one falls back, too
    return str(validation.get("message") or f"failed expression: {validation['expression'].strip()}")
