"""Which fields of Argo's this engine honours; everything else is refused by name.

The lists are those of Argo Workflows 4.1's types. A field that is in none of them is unknown; one that
is in :data:`REFUSED` is known and not emulated, with what to do instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.argo import artifacts
from argovx_lab.sandbox.argo.errors import Unsupported

_ELSEWHERE = "run it on a cluster"
REFUSED = {
    "containerSet": "container sets are not emulated: use one template per container",
    "daemon": "daemons are not emulated: use steps that end",
    "sidecars": "sidecars are not emulated: start the program in the main container",
    "memoize": "memoization is not emulated: leave it out",
    "resource": "resource templates are not emulated: use a container with a Kubernetes client",
    "http": "http templates are not emulated: use a container that makes the request",
    "plugin": "plugin templates are not emulated: use a container",
    "data": "data templates are not emulated: use a container",
}
SPEC = frozenset((
    "templates", "entrypoint", "arguments", "serviceAccountName", "automountServiceAccountToken", "volumes",
    "parallelism", "suspend", "imagePullSecrets", "onExit", "ttlStrategy", "activeDeadlineSeconds",
    "podGC", "priority", "securityContext", "podSpecPatch", "shutdown", "workflowTemplateRef",
    "synchronization", "retryStrategy", "podMetadata", "templateDefaults", "hooks", "workflowMetadata",
))  # fmt: skip
TEMPLATE = frozenset((
    "name", "inputs", "outputs", "container", "script", "steps", "dag", "suspend", "metadata", "annotations",
    "volumes", "initContainers", "activeDeadlineSeconds", "timeout", "retryStrategy", "parallelism",
    "serviceAccountName", "automountServiceAccountToken", "securityContext", "podSpecPatch",
    "synchronization",
))  # fmt: skip
STEP = frozenset((
    "name", "template", "templateRef", "inline", "arguments", "withItems", "withParam", "withSequence",
    "when", "continueOn", "onExit", "hooks",
))  # fmt: skip
TASK = STEP | {"dependencies", "depends"}
CONTAINER = frozenset((
    "name", "image", "command", "args", "workingDir", "env", "envFrom", "ports", "resources", "volumeMounts",
    "imagePullPolicy", "securityContext", "terminationMessagePath", "terminationMessagePolicy",
))  # fmt: skip
_PARAMETER = frozenset(("name", "default", "value", "enum", "description", "globalName", "valueFrom"))
_VALUE_FROM = frozenset(("path", "parameter", "supplied", "configMapKeyRef", "default", "expression"))
_RETRY = frozenset(("limit", "retryPolicy", "backoff", "expression"))
_BACKOFF = frozenset(("duration", "factor", "maxDuration", "cap"))
_HOOK = frozenset(("template", "templateRef", "arguments", "expression"))
_TTL = frozenset(("secondsAfterCompletion", "secondsAfterSuccess", "secondsAfterFailure"))
_POD_GC = frozenset(("strategy", "labelSelector", "deleteDelayDuration"))
_SYNC = frozenset(("mutexes", "semaphores"))
_META = frozenset(("labels", "annotations"))
_DAG = frozenset(("target", "tasks", "failFast"))


def check_spec(spec: Mapping[str, Any], *, where: str = "spec") -> None:
    """Refuse a workflow's or template's spec that uses what is not honoured.

    Raises
    ------
    Unsupported
        Naming the first such field and what to do.
    """
    _only(spec, SPEC, where)
    _parameters(spec.get("arguments"), f"{where}.arguments")
    _retry(spec.get("retryStrategy"), f"{where}.retryStrategy")
    _only(spec.get("ttlStrategy"), _TTL, f"{where}.ttlStrategy")
    _only(spec.get("podGC"), _POD_GC, f"{where}.podGC")
    selector = (spec.get("podGC") or {}).get("labelSelector")
    _only(selector, frozenset(("matchLabels",)), f"{where}.podGC.labelSelector")
    _only(spec.get("podMetadata"), _META, f"{where}.podMetadata")
    _only(spec.get("workflowMetadata"), _META, f"{where}.workflowMetadata")
    _synchronization(spec.get("synchronization"), f"{where}.synchronization")
    _hooks(spec.get("hooks"), f"{where}.hooks")
    if spec.get("templateDefaults"):
        check_template(spec["templateDefaults"], "templateDefaults")
    for template in spec.get("templates") or []:
        check_template(template, str(template.get("name") or ""))


def check_template(template: Mapping[str, Any], name: str) -> None:
    """Refuse a template that uses what is not honoured."""
    where = f"template '{name}'"
    if template.get("daemon") is False:
        template = {k: v for k, v in template.items() if k != "daemon"}
    _only(template, TEMPLATE, where)
    _parameters(template.get("inputs"), f"{where}.inputs")
    _parameters(template.get("outputs"), f"{where}.outputs")
    _only(template.get("metadata"), _META, f"{where}.metadata")
    _only(template.get("suspend"), frozenset(("duration",)), f"{where}.suspend")
    _retry(template.get("retryStrategy"), f"{where}.retryStrategy")
    _synchronization(template.get("synchronization"), f"{where}.synchronization")
    for group in template.get("steps") or []:
        for step in group:
            _step(step, STEP, f"{where}.steps '{step.get('name', '')}'")
    _containers(template, where)
    dag = template.get("dag")
    if dag:
        _only(dag, _DAG, f"{where}.dag")
        for task in dag.get("tasks") or []:
            _step(task, TASK, f"{where}.dag.tasks '{task.get('name', '')}'")


def _containers(template: Mapping[str, Any], where: str) -> None:
    _only(template.get("container"), CONTAINER, f"{where}.container")
    _only(template.get("script"), CONTAINER | {"source"}, f"{where}.script")
    for container in template.get("initContainers") or []:
        _only(container, CONTAINER | {"mirrorVolumeMounts"}, f"{where}.initContainers")
    if template.get("dag") or template.get("steps") or template.get("suspend") is not None:
        for name in ("activeDeadlineSeconds", "timeout"):
            if template.get(name):
                raise Unsupported(
                    f"{where}.{name} is not supported by the sandbox's engine: give it to templates with a"
                    " container, or the whole workflow activeDeadlineSeconds"
                )


def _step(step: Mapping[str, Any], allowed: frozenset[str], where: str) -> None:
    _only(step, allowed, where)
    _parameters(step.get("arguments"), f"{where}.arguments")
    _only(step.get("continueOn"), frozenset(("error", "failed")), f"{where}.continueOn")
    _hooks(step.get("hooks"), f"{where}.hooks")
    if step.get("inline"):
        check_template(step["inline"], f"{step.get('name', '')}.inline")


def _hooks(hooks: Mapping[str, Any] | None, where: str) -> None:
    for name, hook in (hooks or {}).items():
        _only(hook, _HOOK, f"{where}.{name}")
        _parameters(hook.get("arguments"), f"{where}.{name}.arguments")


def _parameters(holder: Mapping[str, Any] | None, where: str) -> None:
    _only(holder, frozenset(("parameters", "artifacts", "result", "exitCode")), where)
    artifacts.check(holder, where)
    for parameter in (holder or {}).get("parameters") or []:
        inside = f"{where}.parameters '{parameter.get('name', '')}'"
        _only(parameter, _PARAMETER, inside)
        _only(parameter.get("valueFrom"), _VALUE_FROM, f"{inside}.valueFrom")


def _retry(strategy: Mapping[str, Any] | None, where: str) -> None:
    _only(strategy, _RETRY, where)
    _only((strategy or {}).get("backoff"), _BACKOFF, f"{where}.backoff")


def _synchronization(found: Mapping[str, Any] | None, where: str) -> None:
    _only(found, _SYNC, where)
    for mutex in (found or {}).get("mutexes") or []:
        _only(mutex, frozenset(("name", "namespace")), f"{where}.mutexes")
    for semaphore in (found or {}).get("semaphores") or []:
        _only(semaphore, frozenset(("configMapKeyRef", "namespace")), f"{where}.semaphores")


def _only(found: Mapping[str, Any] | None, allowed: frozenset[str], where: str) -> None:
    for name, value in (found or {}).items():
        if name in allowed or value is None or value in ([], {}, ""):
            continue
        hint = REFUSED.get(name, f"leave it out, or {_ELSEWHERE}")
        raise Unsupported(f"{where}.{name} is not supported by the sandbox's engine: {hint}")
