"""The platform's template: what every Vertex step's Workflow refers to.

A platform team installs it once per cluster (``argovx platform template | kubectl apply -f -``); the
sandbox gets the same object through the same API. Nothing in it belongs to one user: who acts is the
pod's ServiceAccount.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from argovx_lab.model.names import PREFIX, STEP_TEMPLATE
from argovx_lab.model.step import canonical

Manifest = dict[str, Any]

#: Arguments of a step in the order people read them; the launcher compares each with the spec.
STEP_ARGUMENTS = (
    "spec",
    "spec-digest",
    "inputs",
    "kind",
    "image",
    "machine-type",
    "accelerator",
    "accelerator-count",
    "replicas",
    "strategy",
    "disk-gb",
    "persistent-resource",
    "timeout",
    "retries",
    "retry-failures",
    "run-as",
)

#: Output parameters of a step, each a file of that name in the launcher's output folder.
STEP_OUTPUTS = ("vertex-job", "console-url", "manifest", "metrics", "values", "exit-reason")

#: Arguments of ``await``: a step of another Workflow, by its node's full name.
AWAIT_ARGUMENTS = ("workflow", "workflow-uid", "node", "step")

#: Folder of the output parameter files inside the pod.
OUTPUTS_DIR = "/tmp/argovx"  # noqa: S108  (a path inside the pod, not on this machine)

_TOKEN_DIR = "/var/run/argovx/token"  # noqa: S105  (a folder, not a secret)
_CA_DIR = "/var/run/argovx/ca"
_CA_CONFIG_MAP = "argovx-ca"

#: Longest life of the projected token that is exchanged at STS. Unit: seconds. Source: kubelet's default.
TOKEN_LIFETIME_S = 3600

#: Time for a launcher to cancel at Vertex and hear its word. Unit: seconds.
GRACE_S = 60

_RETRY_WHEN = (
    'lastRetry.status == "Error" || lastRetry.exitCode == "" || asInt(lastRetry.exitCode) in [30, 137]'
    " || (lastRetry.exitCode == \"1\" && '{{inputs.parameters.retry-failures}}' == 'true')"
)

#: A wait is repeated where its own pod, or the platform, was at fault; never for what the step came to.
_AWAIT_AGAIN_WHEN = (
    'lastRetry.status == "Error" || lastRetry.exitCode == "" || asInt(lastRetry.exitCode) in [30, 137]'
)

#: A sweep that cannot reach Vertex is tried for some minutes more: nobody else ends what is left.
_SWEEP_BACKOFF = {"duration": "2s", "factor": 3, "maxDuration": "15m"}


@dataclass(frozen=True)
class Platform:
    """What differs between deployments of the template.

    Parameters
    ----------
    image : str
        Launcher image, by digest on a real cluster.
    sts_url, aiplatform_url, storage_url : str
        Base URLs of the Google endpoints.
    audience : str
        Workload identity provider, as ``//iam.googleapis.com/projects/…``.
    ca_pem : str
        Own CA of the endpoints in PEM; empty when public roots serve.
    iam_url, resourcemanager_url : str
        Of the services that say which permissions are held; empty means Google's own addresses.
    impersonate, impersonate_lifetime_s, iamcredentials_url : str, int, str
        Service account whose tokens launchers use (``{user}`` stands for the pod's user); empty: none.
    downscope : bool
        Whether a launcher's token for Cloud Storage is bounded to its user's folder.
    token_hosts, proxy : tuple of str, str
        Further hosts that may see a token; the proxy that Google is reached through.
    """

    image: str
    sts_url: str
    aiplatform_url: str
    storage_url: str
    audience: str
    project: str
    region: str
    bucket: str
    prefix: str = ""
    ca_pem: str = ""
    iam_url: str = ""
    resourcemanager_url: str = ""
    impersonate: str = ""
    impersonate_lifetime_s: int = 3600
    iamcredentials_url: str = ""
    downscope: bool = False
    token_hosts: tuple[str, ...] = ()
    proxy: str = ""


def ca_config_map(platform: Platform, namespace: str) -> Manifest | None:
    """Return the ConfigMap that carries the endpoints' CA into pods, or ``None`` when none is needed."""
    if not platform.ca_pem:
        return None
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _CA_CONFIG_MAP, "namespace": namespace},
        "data": {"ca.pem": platform.ca_pem},
    }


def cluster_template(platform: Platform) -> Manifest:
    """Return the ClusterWorkflowTemplate ``argovx-vertex-step`` with all its templates."""
    spec = {"templates": [_step(platform), _await(platform), _sweep(platform), _check(platform)]}
    digest = hashlib.sha256(canonical(spec)).hexdigest()
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ClusterWorkflowTemplate",
        "metadata": {"name": STEP_TEMPLATE, "annotations": {f"{PREFIX}digest": digest}},
        "spec": spec,
    }


def _step(platform: Platform) -> Manifest:
    flags = [f"--{name}={{{{inputs.parameters.{name}}}}}" for name in STEP_ARGUMENTS]
    return {
        "name": "step",
        "inputs": {"parameters": [{"name": name} for name in STEP_ARGUMENTS]},
        "outputs": _outputs(STEP_OUTPUTS),
        "retryStrategy": {
            "limit": "{{inputs.parameters.retries}}",
            "retryPolicy": "Always",
            "expression": _RETRY_WHEN,
            "backoff": {"duration": "1s", "factor": 2, "maxDuration": "10m"},
        },
        "container": _container(platform, ["run", *flags, "--ordinal={{retries}}"]),
        **_pod_parts(platform),
    }


def _await(platform: Platform) -> Manifest:
    """Wait for a step of another Workflow; its results are the outputs, as if it had run here."""
    flags = [f"--{name}={{{{inputs.parameters.{name}}}}}" for name in AWAIT_ARGUMENTS]
    return {
        "name": "await",
        "inputs": {"parameters": [{"name": name} for name in AWAIT_ARGUMENTS]},
        "outputs": _outputs(("manifest", "metrics", "values", "exit-reason")),
        "retryStrategy": {
            "limit": "10",
            "retryPolicy": "Always",
            "expression": _AWAIT_AGAIN_WHEN,
            "backoff": {"duration": "1s", "factor": 2, "maxDuration": "10m"},
        },
        "container": _container(platform, ["await", *flags]),
        **_pod_parts(platform),
    }


def _outputs(named: Iterable[str]) -> Manifest:
    return {
        "parameters": [
            {"name": name, "valueFrom": {"path": f"{OUTPUTS_DIR}/{name}", "default": ""}} for name in named
        ]
    }


def _sweep(platform: Platform) -> Manifest:
    """Cancel what a killed launcher may have left behind: jobs of this Workflow that still run."""
    return {
        "name": "sweep",
        "inputs": {"parameters": [{"name": "workflow-uid"}]},
        "retryStrategy": {"limit": "6", "retryPolicy": "Always", "backoff": _SWEEP_BACKOFF},
        "container": _container(platform, ["sweep", "--workflow-uid={{inputs.parameters.workflow-uid}}"]),
        **_pod_parts(platform),
    }


def _check(platform: Platform) -> Manifest:
    """Ask every hop of a step as the account that steps run as; the findings are the output ``report``."""
    return {
        "name": "check",
        "inputs": {"parameters": [{"name": "run-as"}]},
        "outputs": {"parameters": [{"name": "report", "valueFrom": {"path": f"{OUTPUTS_DIR}/report"}}]},
        "container": _container(platform, ["check", "--run-as={{inputs.parameters.run-as}}"]),
        **_pod_parts(platform),
    }


def _container(platform: Platform, args: list[str]) -> Manifest:
    settings = {
        "ARGOVX_STS_URL": platform.sts_url,
        "ARGOVX_AUDIENCE": platform.audience,
        "ARGOVX_TOKEN_FILE": f"{_TOKEN_DIR}/token",
        "ARGOVX_AIPLATFORM_URL": platform.aiplatform_url,
        "ARGOVX_STORAGE_URL": platform.storage_url,
        "ARGOVX_PROJECT": platform.project,
        "ARGOVX_REGION": platform.region,
        "ARGOVX_BUCKET": platform.bucket,
        "ARGOVX_PREFIX": platform.prefix,
        "ARGOVX_OUTPUTS": OUTPUTS_DIR,
    }
    settings |= {name: value for name, value in _if_set(platform).items() if value}
    mounts = [{"name": "argovx-token", "mountPath": _TOKEN_DIR, "readOnly": True}]
    if platform.ca_pem:
        settings["ARGOVX_CA_FILE"] = f"{_CA_DIR}/ca.pem"
        mounts.append({"name": _CA_CONFIG_MAP, "mountPath": _CA_DIR, "readOnly": True})
    env: list[Manifest] = [{"name": name, "value": value} for name, value in settings.items()]
    account = {"fieldRef": {"fieldPath": "spec.serviceAccountName"}}
    env.append({"name": "ARGOVX_ACCOUNT", "valueFrom": account})
    return {
        "image": platform.image,
        "command": ["python3", "-m", "argovx_lab.launcher"],
        "args": args,
        "env": env,
        "volumeMounts": mounts,
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
    }


def _if_set(platform: Platform) -> dict[str, str]:
    """Return the settings that stand in the template only where the deployment has them."""
    life = str(platform.impersonate_lifetime_s) if platform.impersonate else ""
    return {
        "ARGOVX_IAM_URL": platform.iam_url,
        "ARGOVX_RESOURCEMANAGER_URL": platform.resourcemanager_url,
        "ARGOVX_IMPERSONATE": platform.impersonate,
        "ARGOVX_IMPERSONATE_LIFETIME_S": life,
        "ARGOVX_IAMCREDENTIALS_URL": platform.iamcredentials_url if platform.impersonate else "",
        "ARGOVX_DOWNSCOPE": "true" if platform.downscope else "",
        "ARGOVX_HOSTS": ",".join(platform.token_hosts),
        "ARGOVX_PROXY": platform.proxy,
    }


def _pod_parts(platform: Platform) -> Manifest:
    token = {"path": "token", "audience": platform.audience, "expirationSeconds": TOKEN_LIFETIME_S}
    volumes: list[Manifest] = [
        {"name": "argovx-token", "projected": {"sources": [{"serviceAccountToken": token}]}}
    ]
    if platform.ca_pem:
        volumes.append({"name": _CA_CONFIG_MAP, "configMap": {"name": _CA_CONFIG_MAP}})
    return {
        "volumes": volumes,
        "podSpecPatch": json.dumps({"terminationGracePeriodSeconds": GRACE_S}, separators=(",", ":")),
    }
