"""Names that several systems must agree on: labels, slugs, node ids, pod names.

Owns the spelling rules of Kubernetes labels, Google Cloud labels and Argo node ids. Refuses to read
anything: all functions are pure.
"""

from __future__ import annotations

import hashlib
import re

#: Prefix of our labels and annotations on Kubernetes objects.
PREFIX = "argovx.dev/"

LABEL_USER = PREFIX + "user"
LABEL_RUN = PREFIX + "run"
LABEL_STEP = PREFIX + "step"
#: Key of what decided the result: equal ones may answer one another.
LABEL_CACHE = PREFIX + "cache-key"
ANNOTATION_NOTEBOOK = PREFIX + "notebook-path"
ANNOTATION_STEPS = PREFIX + "steps"
ANNOTATION_PLAN = PREFIX + "plan"
ANNOTATION_POLICY = PREFIX + "policy"
#: Kinds and places of secrets that the user sent although they were found.
ANNOTATION_SECRETS = PREFIX + "allowed-secrets"
#: On Workflows that are made from a schedule or a file: each is a run of its own, called like itself.
ANNOTATION_OWN_RUN = PREFIX + "own-run"
ANNOTATION_SHUTDOWN_AT = PREFIX + "shutdown-at"

#: Who asked Argo last for what, on the Workflow. Source: Argo Workflows v4.1, ``workflow/common/common.go``.
ARGO_ACTION = "workflows.argoproj.io/action"
ARGO_ACTOR = "workflows.argoproj.io/actor"
ARGO_ACTOR_EMAIL = "workflows.argoproj.io/actor-email"
ARGO_ACTOR_NAME = "workflows.argoproj.io/actor-preferred-username"
ARGO_CREATOR = "workflows.argoproj.io/creator"

#: Labels of a Vertex custom job. Source: Google Cloud labels, lower case, at most 63 characters.
JOB_LABEL_KEY = "argovx-key"
JOB_LABEL_WORKFLOW = "argovx-wf"
JOB_LABEL_TASK = "argovx-task"
JOB_LABEL_USER = "argovx-user"
JOB_LABEL_SPEC = "argovx-spec"

#: The platform's template that every Vertex step refers to (architecture: the workflow object).
STEP_TEMPLATE = "argovx-vertex-step"

#: Longest label value in Kubernetes and Google Cloud. Unit: characters.
LABEL_MAX = 63

# a step's name is a label of its Workflow, which must end with a letter or digit
_STEP_NAME = re.compile(r"[a-z](?:[a-z0-9_-]{0,38}[a-z0-9])?\Z", re.ASCII)


def is_step_name(text: str) -> bool:
    """Tell whether ``text`` may name a step: letters, digits, ``_`` and ``-``, at most 40.

    The first is a letter, the last a letter or digit.
    """
    return bool(_STEP_NAME.match(text))


def slug(text: str, limit: int = LABEL_MAX) -> str:
    """Return a DNS- and label-safe form of ``text``, unique per input.

    Text that is already safe is returned as it is; anything else gets eight hexadecimal digits of
    its hash, so that two inputs never share a slug.
    """
    safe = re.sub(r"[^a-z0-9-]+", "-", text.lower()).strip("-")
    if safe == text and len(safe) <= limit and safe:
        return safe
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    head = safe[: limit - 9].strip("-") or "x"
    return f"{head}-{digest}"


def node_id(workflow: str, node_name: str) -> str:
    """Return the id Argo gives to the node called ``node_name`` of ``workflow``.

    Notes
    -----
    The workflow's name for its root node, else the name plus FNV-1a (32 bit) of the node's full
    name in decimal. Source: Argo Workflows v4.1, ``Workflow.NodeID``.
    """
    if node_name == workflow:
        return workflow
    return f"{workflow}-{fnv1a32(node_name)}"


def pod_name(workflow: str, node_name: str, template: str) -> str:
    """Return the name of the pod that Argo creates for a node (pod name format v2).

    Notes
    -----
    Source: Argo Workflows v4.1, ``GeneratePodName``; the prefix is cut so that the whole stays
    within 253 characters.
    """
    if node_name == workflow:
        return workflow
    prefix = f"{workflow}-{template}" if template else workflow
    return f"{prefix[: 253 - 10 - 1]}-{fnv1a32(node_name)}"


def fnv1a32(text: str) -> int:
    """Return the 32-bit FNV-1a hash of the UTF-8 form of ``text``."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def kernel_account(user: str) -> str:
    """Return the ServiceAccount that a user's notebook acts as."""
    return f"nb-{user}"


def workflow_account(user: str) -> str:
    """Return the ServiceAccount that a user's step pods act as."""
    return f"wf-{user}"


def run_as(user: str, project: str) -> str:
    """Return the Google service account that a user's custom jobs run as."""
    return f"u-{user}@{project}.iam.gserviceaccount.com"


def attempt_key(workflow_uid: str, task: str, ordinal: int, started_at: str) -> str:
    """Return the key that ties one attempt of a step to at most one Vertex job: 32 hex digits.

    Parameters
    ----------
    task : str
        Node name without its retry suffix.
    ordinal : int
        Argo's retry ordinal, from 0.
    started_at : str
        The workflow's ``status.startedAt``, RFC 3339; changes when Argo's own retry starts afresh.
    """
    text = "|".join((workflow_uid, task, str(ordinal), started_at))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
