"""ValidatingAdmissionPolicies and bindings as objects: defaults, checks, compiled expressions.

What they decide is in ``admission.py``. ``authorizer`` and audit annotations are refused by name.
Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from functools import lru_cache

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.cel import CelError, Program, compile_cel
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, KINDS, Kind
from argovx_lab.sandbox.kubernetes.status import Cause

POLICIES = BY_ID["validatingadmissionpolicies.admissionregistration.k8s.io"]
BINDINGS = BY_ID["validatingadmissionpolicybindings.admissionregistration.k8s.io"]
NAMES = ("object", "oldObject", "request", "params", "namespaceObject", "variables")


@lru_cache(maxsize=4096)
def program(source: str) -> Program:
    """Return a policy's expression, compiled once; :class:`CelError` when it is none."""
    return compile_cel(source, NAMES)


def kind_of(wanted: Object) -> Kind | None:
    """Return the served kind that an apiVersion and kind name, ``None`` when there is none."""
    names = (wanted.get("apiVersion"), wanted.get("kind"))
    return next((kind for kind in KINDS if (kind.resource.api_version, kind.resource.kind) == names), None)


def default(kind: Kind, obj: Object) -> None:
    """Fill in what the real server fills in, in place."""
    spec = obj.setdefault("spec", {})
    match = spec.get("matchConstraints" if kind is POLICIES else "matchResources")
    if kind is POLICIES:
        spec.setdefault("failurePolicy", "Fail")
        obj.setdefault("status", {})
    if isinstance(match, dict):
        for name, value in (("matchPolicy", "Equivalent"), ("namespaceSelector", {}), ("objectSelector", {})):
            match.setdefault(name, value)
        for rule in [*(match.get("resourceRules") or []), *(match.get("excludeResourceRules") or [])]:
            rule.setdefault("scope", "*")
    if kind is BINDINGS and spec.get("paramRef"):
        spec["paramRef"].setdefault("parameterNotFoundAction", "Deny")


def problems(kind: Kind, obj: Object) -> list[Cause]:
    """Return what is wrong with a policy or a binding, expressions that cannot be compiled included."""
    spec = obj.get("spec") or {}
    if kind is BINDINGS:
        found = [status.missing("spec.policyName")] if not spec.get("policyName") else []
        return found + (
            [status.missing("spec.validationActions")] if not spec.get("validationActions") else []
        )
    causes = [] if spec.get("matchConstraints") else [status.missing("spec.matchConstraints")]
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        why = "validations or auditAnnotations must contain at least one item"
        causes += [status.missing(f"spec.{name}", why) for name in ("validations", "auditAnnotations")]
    if spec.get("matchConstraints") and not spec["matchConstraints"].get("resourceRules"):
        causes.append(status.missing("spec.matchConstraints.resourceRules"))
    if spec.get("auditAnnotations"):
        causes.append(status.not_allowed("spec.auditAnnotations", "the sandbox keeps no audit log"))
    if spec.get("paramKind") and kind_of(spec["paramKind"]) is None:
        causes.append(
            status.bad_value("spec.paramKind", spec["paramKind"].get("kind"), "the sandbox does not serve it")
        )
    for field in ("matchConditions", "variables", "validations"):
        for index, item in enumerate(spec.get(field) or []):
            for part in ("expression", "messageExpression"):
                causes += _uncompiled(f"spec.{field}[{index}].{part}", item.get(part))
    return causes


def _uncompiled(field: str, text: str | None) -> list[Cause]:
    if not text:
        return []
    try:
        program(text)
    except CelError as error:
        return [status.bad_value(field, text, f"compilation failed: ERROR: {error}")]
    return []
