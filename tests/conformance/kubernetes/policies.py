"""Admission policies for the table: each is bound to ConfigMaps or Workflows with a label of its own."""

from __future__ import annotations

from typing import Any

from kubernetes_table_rows import ARGO, NAMESPACE, Step

GROUP = "admissionregistration.k8s.io/v1"
PATH = f"/apis/{GROUP}/validatingadmissionpolicies"
CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
WORKFLOWS = f"/apis/{ARGO}/namespaces/{NAMESPACE}/workflows"


def policy(name: str, validation: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a policy on ConfigMaps and Workflows with the label ``policy: NAME``."""
    resources = [
        {
            "apiGroups": [group],
            "apiVersions": ["*"],
            "operations": ["CREATE", "UPDATE", "DELETE"],
            "resources": [plural],
        }
        for group, plural in (("", "configmaps"), ("argoproj.io", "workflows"))
    ]
    match = {"resourceRules": resources, "objectSelector": {"matchLabels": {"policy": name}}}
    spec = {"matchConstraints": match, "validations": [validation], **more}
    return {
        "apiVersion": GROUP,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def binding(name: str, *actions: str, **more: Any) -> dict[str, Any]:
    spec = {"policyName": name, "validationActions": list(actions or ("Deny",)), **more}
    head = {"apiVersion": GROUP, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name}}
    return {**head, "spec": spec}


def config(policy_name: str, name: str, **data: str) -> dict[str, Any]:
    meta = {"name": name, "labels": {"policy": policy_name}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


#: Name → expression and whether ``{"k": "v", "n": "7"}`` passes; ``None``: it comes to an error.
EXPRESSIONS = {
    "select": ("object.data.k == 'v'", True),
    "absent": ("object.data.absent == 'v'", None),
    "has": ("!has(object.data.absent) && has(object.data.k)", True),
    "or-error": ("object.data.absent == 'v' || true", True),
    "and-error": ("object.data.absent == 'v' && false", False),
    "size": ("size(object.data) == 2 && object.data.k.size() == 1", True),
    "all": ("object.data.all(k, object.data[k] != '')", True),
    "exists": ("object.data.exists(k, k == 'n')", True),
    "exists-one": ("object.data.exists_one(k, k == 'n')", True),
    "map": ("object.data.map(k, k + '!').exists(x, x == 'k!')", True),
    "filter": ("[1, 2, 3].filter(x, x > 1) == [2, 3]", True),
    "in": ("'k' in object.data && 2 in [1, 2] && !(3 in [1, 2])", True),
    "ternary": ("object.data.k == 'x' ? false : true", True),
    "int": ("int(object.data.n) % 4 == 3 && -7 / 2 == -3 && -7 % 2 == -1", True),
    "double": ("double(object.data.n) > 6.5", True),
    "matches": ("object.data.k.matches('^[a-z]$') && !object.data.n.matches('^[a-z]')", True),
    "strings": ("object.data.k.startsWith('v') && 'abc'.contains('b') && 'abc'.endsWith('c')", True),
    "lower": ("'AbC'.lowerAscii() == 'abc' && ' a '.trim() == 'a'", True),
    "split": ("'a/b'.split('/') == ['a', 'b'] && ['a', 'b'].join('-') == 'a-b'", True),
    "substring": ("'abcd'.substring(1, 3) == 'bc' && 'abab'.replace('a', 'x') == 'xbxb'", True),
    "extremes": ("[3, 1].min() == 1 && [3, 1].max() == 3 && [1, 2].sum() == 3", True),
    "raw": ("'a.b'.matches(r'a\\.b')", True),
    "mixed": ("dyn(1) == dyn(1.0)", True),
    "index": ("[1][5] == 1", None),
    "zero": ("1 / (size(object.data) - 2) == 1", None),
    "user": ("request.userInfo.username == 'admin' && request.operation == 'CREATE'", True),
    "old": ("oldObject == null && request.namespace == 'argovx'", True),
    "namespace": ("namespaceObject.metadata.name == 'argovx'", True),
    "variables": ("variables.longest == 1 && variables.twice == 2", True),
}
_VARIABLES = [
    {"name": "longest", "expression": "object.data.k.size()"},
    {"name": "twice", "expression": "variables.longest * 2"},
]
#: Name → expression that cannot be compiled.
BROKEN = {"syntax": "object.", "unknown": "nothing == 1", "function": "object.data.k.conjure()"}


def rows() -> dict[str, list[Step]]:
    """Return the rows of policies; ``settle`` waits until a policy holds."""
    found: dict[str, list[Step]] = {}

    def bound(name: str, made: dict[str, Any], *steps: Step, **options: Any) -> None:
        found[f"policy/{name}"] = [
            Step("POST", PATH, made),
            Step(
                "POST",
                f"{PATH[: -len('policies')]}policybindings",
                binding(name, *options.pop("actions", ()), **options),
            ),
            Step("SETTLE", CONFIG_MAPS, config(name, "settle", settle="yes")),
            *steps,
        ]

    settle = "has(object.data) && has(object.data.settle) ? false : "
    for name, (expression, _) in EXPRESSIONS.items():
        validation = {"expression": f"{settle}({expression})", "message": f"{name} does not hold"}
        made = policy(f"e-{name}", validation, variables=_VARIABLES)
        bound(
            f"e-{name}",
            made,
            Step("POST", f"{CONFIG_MAPS}?dryRun=All", config(f"e-{name}", "x", k="v", n="7")),
        )
    for name, expression in BROKEN.items():
        found[f"policy/broken/{name}"] = [Step("POST", PATH, policy(f"b-{name}", {"expression": expression}))]
    found["policy/no-validations"] = [Step("POST", PATH, {**policy("none", {}), "spec": {}})]
    _life(bound, settle)
    return found


def _life(bound: Any, settle: str) -> None:
    guard = {"expression": f"{settle}object.data.k == 'v'", "messageExpression": "'k is ' + object.data.k"}
    bad = config("update", "policy-update", k="w")
    at = f"{CONFIG_MAPS}/policy-update"
    bound(
        "update",
        policy(
            "update",
            {
                "expression": f"request.operation == 'DELETE' ? oldObject.data.k != 'v' : ({guard['expression']})",
                "messageExpression": "request.operation == 'DELETE' ? 'it stays' : 'k is ' + object.data.k",
            },
        ),
        Step("POST", CONFIG_MAPS, config("update", "policy-update", k="v")),
        Step("PUT", at, bad),
        Step("PATCH", at, {"data": {"k": "x"}}, "application/merge-patch+json"),
        Step("DELETE", at),
        Step("GET", at),
    )
    bound(
        "reason",
        policy("reason", {**guard, "reason": "Forbidden"}),
        Step("POST", CONFIG_MAPS, config("reason", "policy-reason", k="w")),
    )
    bound(
        "plain",
        policy("plain", {"expression": guard["expression"]}),
        Step("POST", CONFIG_MAPS, config("plain", "policy-plain", k="w")),
    )
    bound(
        "warn",
        policy("warn", {**guard, "message": "no"}),
        Step("POST", f"{CONFIG_MAPS}?dryRun=All", config("warn", "policy-warn", k="w")),
        actions=("Warn",),
    )
    bound(
        "ignore",
        policy("ignore", {"expression": f"{settle}object.data.absent == 'v'"}, failurePolicy="Ignore"),
        Step("POST", f"{CONFIG_MAPS}?dryRun=All", config("ignore", "policy-ignore", k="w")),
    )
    condition = {"name": "not-me", "expression": "has(object.data.settle) || object.data.k != 'skip'"}
    bound(
        "condition",
        policy("condition", {"expression": "false", "message": "never"}, matchConditions=[condition]),
        Step("POST", f"{CONFIG_MAPS}?dryRun=All", config("condition", "policy-condition", k="skip")),
        Step("POST", f"{CONFIG_MAPS}?dryRun=All", config("condition", "policy-condition", k="w")),
    )
    tasks = "object.spec.templates.all(t, !has(t.dag) || t.dag.tasks.all(k, has(k.templateRef)))"
    workflow = {
        "apiVersion": ARGO,
        "kind": "Workflow",
        "metadata": {"name": "policy-dag", "labels": {"policy": "dag"}},
        "spec": {
            "entrypoint": "a",
            "templates": [{"name": "a", "dag": {"tasks": [{"name": "t", "template": "b"}]}}],
        },
    }
    bound(
        "dag",
        policy("dag", {"expression": f"!has(object.data) && ({tasks})", "message": "use templateRef"}),
        Step("POST", WORKFLOWS, workflow),
    )
