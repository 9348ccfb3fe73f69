"""Labels, annotations and environment names that Argo puts on its objects."""

from __future__ import annotations

PREFIX = "workflows.argoproj.io/"

WORKFLOW = PREFIX + "workflow"
PHASE = PREFIX + "phase"
COMPLETED = PREFIX + "completed"
ON_EXIT = PREFIX + "on-exit"
NODE_ID = PREFIX + "node-id"
NODE_NAME = PREFIX + "node-name"
NODE_TYPE = PREFIX + "node-type"
CRON_WORKFLOW = PREFIX + "cron-workflow"
SCHEDULED_TIME = PREFIX + "scheduled-time"
POD_NAME_FORMAT = PREFIX + "pod-name-format"
#: On a WorkflowTaskResult: ``"true"`` once the executor has reported everything.
REPORTED = PREFIX + "report-outputs-completed"
WORKFLOW_TEMPLATE = PREFIX + "workflow-template"
CLUSTER_WORKFLOW_TEMPLATE = PREFIX + "cluster-workflow-template"

#: Asks the pod runner to end a pod's main container: SIGTERM, this many seconds, SIGKILL. It stands in
#: for the executor's kill through ``pods/exec``, which has no object of its own.
KILL = "sandbox.argovx.dev/kill"

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
