"""Schemas of Argo's kinds, our own: the fields we know, with types and the limits of the real ones.

Owns what Argo 4.1 accepts as far as this project uses it; unknown fields are preserved.
Source: https://argo-workflows.readthedocs.io/en/latest/fields/
"""

from __future__ import annotations

from argovx_lab.sandbox.kubernetes.core_schema import CONTAINER_FIELDS, METADATA, RESOURCES, VOLUME
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.schema import (
    ANY,
    BOOLEAN,
    INT_OR_STRING,
    INTEGER,
    OBJECT,
    OBJECTS,
    STRING,
    STRING_MAP,
    STRINGS,
    Lazy,
    List,
    Map,
    Rule,
    Schema,
    Struct,
    Value,
    fields,
)

#: Argo's own limits, measured on its full CRDs. Units: list items.
TEMPLATES_MAX = TASKS_MAX = 200
PARAMETERS_MAX = 500

_NAME = Value("string", pattern="[a-zA-Z0-9][-a-zA-Z0-9]*")
_POSITIVE = Value("integer", minimum=1)
_GC = ("", "OnWorkflowCompletion", "OnWorkflowDeletion", "Never")
_POD_GC = ("", "OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess")
_RETRY = ("Always", "OnFailure", "OnError", "OnTransientError")

_TYPES = (
    "container",
    "script",
    "dag",
    "steps",
    "resource",
    "suspend",
    "containerSet",
    "data",
    "http",
    "plugin",
)
_PLACES = ("s3", "git", "http", "artifactory", "hdfs", "raw", "oss", "gcs", "azure", "plugin")


def _count(value: Object, names: tuple[str, ...]) -> int:
    return sum(name in value for name in names)


def _nests(template: Object) -> bool:
    return "steps" in template or "dag" in template


_TASK_RULES = (
    Rule(
        lambda task: not ("depends" in task and "dependencies" in task),
        "cannot use both 'depends' and 'dependencies'",
    ),
    Rule(
        lambda task: not ("depends" in task and "continueOn" in task),
        "cannot use 'continueOn' when using 'depends'",
    ),
    Rule(
        lambda task: not (_count(task, ("depends", "dependencies")) and task["name"][:1].isdigit()),
        "task name cannot begin with a digit when using 'depends' or 'dependencies'",
    ),
)
_TEMPLATES_RULES = (
    Rule(
        lambda all_: all(_count(one, _TYPES) <= 1 for one in all_),
        "template must have at most one template type",
    ),
    Rule(
        lambda all_: not any(one.get("timeout") and _nests(one) for one in all_),
        "timeout cannot be applied to steps or dag templates",
    ),
    Rule(
        lambda all_: not any("activeDeadlineSeconds" in one and _nests(one) for one in all_),
        "activeDeadlineSeconds is only valid for leaf templates",
    ),
)
_ARTIFACT_RULE = Rule(
    lambda artifact: _count(artifact, _PLACES) <= 1, "at most one artifact location can be specified"
)
_SEQUENCE_RULE = Rule(
    lambda sequence: _count(sequence, ("count", "end")) < 2, "only one of count or end can be defined"
)

_LABELS = Struct({"labels": STRING_MAP, "annotations": STRING_MAP})
_KEY = Struct({**fields("name key", STRING), "optional": BOOLEAN}, ("key",))
_VALUE_FROM = Struct(
    {
        **fields("path jsonPath jqFilter event parameter default expression", STRING),
        "supplied": OBJECT,
        "configMapKeyRef": _KEY,
    }
)
_PARAMETER = Struct(
    {
        **fields("name default value description globalName", STRING),
        "enum": List(STRING, min=1),
        "valueFrom": _VALUE_FROM,
    },
    ("name",),
)
_ARTIFACT = Struct(
    {
        **fields("name path from fromExpression globalName subPath", STRING),
        **fields("optional deleted recurseMode archiveLogs", BOOLEAN),
        "mode": INTEGER,
        **fields("archive artifactGC artifactory azure gcs git hdfs http oss plugin s3", OBJECT),
        "raw": Struct({"data": STRING}, ("data",)),
    },
    ("name",),
    (_ARTIFACT_RULE,),
)
_ARTIFACTS, _PARAMETERS = List(_ARTIFACT), List(_PARAMETER)
_ARGUMENTS = Struct({"parameters": _PARAMETERS, "artifacts": _ARTIFACTS})
_INPUTS = Struct({"parameters": List(_PARAMETER, max=PARAMETERS_MAX), "artifacts": _ARTIFACTS})
_OUTPUTS = Struct({**_ARGUMENTS.fields, **fields("result exitCode", STRING)})
_TEMPLATE_REF = Struct({**fields("name template", STRING), "clusterScope": BOOLEAN})
_BACKOFF = Struct({**fields("duration maxDuration cap", STRING), "factor": INT_OR_STRING})
_RETRY_STRATEGY = Struct(
    {
        "limit": INT_OR_STRING,
        "retryPolicy": Value("string", enum=_RETRY),
        "expression": STRING,
        "backoff": _BACKOFF,
        "affinity": OBJECT,
    }
)
_HOOK = Struct(
    {**fields("template expression", STRING), "templateRef": _TEMPLATE_REF, "arguments": _ARGUMENTS}
)
_TEMPLATE = Lazy()
_STEP_FIELDS: dict[str, Schema] = {
    "name": _NAME,
    **fields("template when withParam onExit", STRING),
    "templateRef": _TEMPLATE_REF,
    "inline": _TEMPLATE,
    "arguments": _ARGUMENTS,
    "withItems": ANY,
    "withSequence": Struct(
        {**fields("count start end", INT_OR_STRING), "format": STRING}, rules=(_SEQUENCE_RULE,)
    ),
    "continueOn": Struct(fields("error failed", BOOLEAN)),
    "hooks": Map(_HOOK),
}
_TASK = Struct({**_STEP_FIELDS, "dependencies": STRINGS, "depends": STRING}, ("name",), _TASK_RULES)
_DAG = Struct({"target": STRING, "failFast": BOOLEAN, "tasks": List(_TASK, max=TASKS_MAX, min=1)}, ("tasks",))
_EXECUTOR = Struct({"serviceAccountName": STRING})
_CONTAINER = Struct(CONTAINER_FIELDS)
_USER_CONTAINERS = List(Struct({**CONTAINER_FIELDS, "mirrorVolumeMounts": BOOLEAN}, ("name",)))
_TEMPLATE_FIELDS: dict[str, Schema] = {
    "name": _NAME,
    "inputs": _INPUTS,
    "outputs": _OUTPUTS,
    "container": _CONTAINER,
    "script": Struct({**CONTAINER_FIELDS, "source": STRING}),
    "dag": _DAG,
    "steps": List(List(Struct(_STEP_FIELDS)), min=1),
    "suspend": Struct({"duration": STRING}),
    "retryStrategy": _RETRY_STRATEGY,
    "metadata": _LABELS,
    "executor": _EXECUTOR,
    "volumes": List(VOLUME),
    "activeDeadlineSeconds": INT_OR_STRING,
    "parallelism": _POSITIVE,
    "podResources": RESOURCES,
    **fields("initContainers sidecars", _USER_CONTAINERS),
    **fields("nodeSelector annotations", STRING_MAP),
    **fields("daemon failFast automountServiceAccountToken", BOOLEAN),
    **fields("timeout pendingTimeout schedulerName priorityClassName serviceAccountName", STRING),
    "podSpecPatch": STRING,
    **fields("containerSet resource data http plugin affinity archiveLocation securityContext", OBJECT),
    **fields("metrics synchronization memoize", OBJECT),
    **fields("tolerations hostAliases resourceClaims", OBJECTS),
}
_TEMPLATE.inner.append(Struct(_TEMPLATE_FIELDS))

_SPEC = Struct(
    {
        **fields("entrypoint serviceAccountName onExit shutdown podSpecPatch dnsPolicy", STRING),
        **fields("schedulerName podPriorityClassName", STRING),
        **fields("suspend automountServiceAccountToken archiveLogs hostNetwork", BOOLEAN),
        **fields("activeDeadlineSeconds priority", INTEGER),
        "parallelism": _POSITIVE,
        "templates": List(_TEMPLATE, max=TEMPLATES_MAX, rules=_TEMPLATES_RULES),
        "templateDefaults": _TEMPLATE,
        "arguments": _ARGUMENTS,
        "hooks": Map(_HOOK),
        "retryStrategy": _RETRY_STRATEGY,
        "executor": _EXECUTOR,
        "volumes": List(VOLUME),
        "nodeSelector": STRING_MAP,
        "podMetadata": _LABELS,
        "podResources": RESOURCES,
        "workflowTemplateRef": Struct({"name": STRING, "clusterScope": BOOLEAN}),
        "workflowMetadata": Struct({**_LABELS.fields, "labelsFrom": Map(OBJECT)}),
        "ttlStrategy": Struct(
            fields("secondsAfterCompletion secondsAfterSuccess secondsAfterFailure", INTEGER)
        ),
        "podGC": Struct(
            {
                "strategy": Value("string", enum=_POD_GC),
                "deleteDelayDuration": STRING,
                "labelSelector": OBJECT,
            }
        ),
        "artifactGC": Struct(
            {
                "strategy": Value("string", enum=_GC),
                **fields("serviceAccountName podSpecPatch", STRING),
                "forceFinalizerRemoval": BOOLEAN,
                "podMetadata": _LABELS,
            }
        ),
        "artifactRepositoryRef": Struct(fields("configMap key", STRING)),
        "volumeClaimGC": Struct({"strategy": STRING}),
        **fields("affinity dnsConfig securityContext podDisruptionBudget metrics synchronization", OBJECT),
        **fields("tolerations imagePullSecrets hostAliases volumeClaimTemplates", OBJECTS),
        **fields("executorPlugins resourceClaims", OBJECTS),
    }
)
_NODE = Struct(
    {
        **fields("id name displayName type phase message templateName templateScope", STRING),
        **fields("boundaryID progress podIP hostNodeName startedAt finishedAt", STRING),
        **fields("children outboundNodes", STRINGS),
        **fields("daemoned taskResultSynced", BOOLEAN),
        "estimatedDuration": INTEGER,
        "inputs": _INPUTS,
        "outputs": _OUTPUTS,
        "templateRef": _TEMPLATE_REF,
        **fields("failedPodRestarts restartingPodUID", ANY),
        **fields("nodeFlag memoizationStatus synchronizationStatus", OBJECT),
        "resourcesDuration": OBJECT,
    },
    ("id", "name", "type"),
)
_STATUS = Struct(
    {
        **fields("phase message progress startedAt finishedAt compressedNodes", STRING),
        **fields("offloadNodeStatusVersion", STRING),
        "estimatedDuration": INTEGER,
        "nodes": Map(_NODE),
        "storedTemplates": OBJECT,
        "storedWorkflowTemplateSpec": _SPEC,
        "outputs": _OUTPUTS,
        "conditions": OBJECTS,
        "persistentVolumeClaims": OBJECTS,
        "taskResultsCompletionStatus": Map(BOOLEAN),
        **fields("synchronization resourcesDuration artifactRepositoryRef artifactGCStatus", OBJECT),
    }
)
_CRON = Struct(
    {
        "schedules": List(STRING, min=1),
        **fields("timezone when", STRING),
        "concurrencyPolicy": Value("string", enum=("Allow", "Forbid", "Replace")),
        **fields("failedJobsHistoryLimit startingDeadlineSeconds successfulJobsHistoryLimit", INTEGER),
        "suspend": BOOLEAN,
        "stopStrategy": Struct({"expression": STRING}, ("expression",)),
        "workflowMetadata": OBJECT,
        "workflowSpec": _SPEC,
    },
    ("schedules", "workflowSpec"),
)
_HEAD: dict[str, Schema] = {**fields("apiVersion kind", STRING), "metadata": METADATA}

#: By the kind's id in the store.
SCHEMAS: dict[str, Struct] = {
    "workflows.argoproj.io": Struct({**_HEAD, "spec": _SPEC, "status": _STATUS}, ("spec",)),
    "workflowtemplates.argoproj.io": Struct({**_HEAD, "spec": _SPEC}, ("spec",)),
    "clusterworkflowtemplates.argoproj.io": Struct({**_HEAD, "spec": _SPEC}, ("spec",)),
    "cronworkflows.argoproj.io": Struct({**_HEAD, "spec": _CRON, "status": OBJECT}, ("spec",)),
    "workflowtaskresults.argoproj.io": Struct(
        {**_HEAD, **fields("phase message progress", STRING), "outputs": _OUTPUTS}
    ),
    "workflowtasksets.argoproj.io": Struct(
        {**_HEAD, "spec": Struct({"tasks": Map(_TEMPLATE)}), "status": OBJECT}, ("spec",)
    ),
}
