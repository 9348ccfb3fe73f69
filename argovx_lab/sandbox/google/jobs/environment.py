"""What a replica sees: its command with ``$(VAR)`` expanded, and the environment Vertex gives.

Owns the variables of custom training; nothing of the submitter's or the server's environment is inherited.
Source: https://cloud.google.com/vertex-ai/docs/training/code-requirements#environment-variables
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argovx_lab.sandbox.google.jobs.images import Image

_REFERENCE = re.compile(r"\$\$\(|\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
#: The port every replica is told to use. Source: distributed training guide.
PORT = 2222
#: Where the replicas' loopback addresses begin, how many jobs share the range, and addresses per job.
_FIRST = ipaddress.ip_address("127.64.0.1")
_JOBS, _SPAN = 40_000, 64
_ROLES = ("chief", "worker", "ps", "evaluator")
#: What installs and runs the packages of a python_package_spec; it is handed to the interpreter as text.
_PACKAGE_RUNNER = Path(__file__).with_name("package.py")


@dataclass(frozen=True)
class Replica:
    """One process of a job."""

    pool: int
    index: int
    spec: Mapping[str, Any]

    @property
    def task(self) -> str:
        """``workerpool0-0``: the log's task name."""
        return f"workerpool{self.pool}-{self.index}"

    @property
    def image(self) -> str:
        """The image that the replica runs."""
        package = self.spec.get("python_package_spec")
        return str(package["executor_image_uri"] if package else self.spec["container_spec"]["image_uri"])

    @property
    def program(self) -> Mapping[str, Any]:
        """The container's or the package's own part of the spec: ``args`` and ``env`` are in both."""
        found: Mapping[str, Any] = self.spec.get("python_package_spec") or self.spec["container_spec"]
        return found


def replicas(job: Mapping[str, Any]) -> list[Replica]:
    """Return every replica of a job, the primary first."""
    pools = job["job_spec"]["worker_pool_specs"]
    return [
        Replica(p, i, spec)
        for p, spec in enumerate(pools)
        if spec
        for i in range(int(spec.get("replica_count") or 1))
    ]


def expand(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with ``$(NAME)`` replaced; unknown names stay, ``$$(`` becomes ``$(``."""

    def one(match: re.Match[str]) -> str:
        return "$(" if match[1] is None else values.get(match[1], match[0])

    return _REFERENCE.sub(one, text)


@dataclass(frozen=True)
class Surroundings:
    """What a replica is given besides its job and its image.

    Parameters
    ----------
    base : mapping
        What every job of this sandbox gets (proxy, CA).
    secret : str
        The job's path at the metadata server.
    """

    home: str
    base: Mapping[str, str]
    metadata_host: str
    secret: str
    project_number: str


def environment(
    job: Mapping[str, Any], replica: Replica, image: Image, given: Surroundings
) -> dict[str, str]:
    """Return the whole environment of one replica.

    The program's folder leads ``PATH``; what the image sets wins over our defaults, and everything after it
    wins over the image.
    """
    job_id = job["name"].rpartition("/")[2]
    values = {
        "PATH": f"{os.path.dirname(image.interpreter)}:/usr/local/bin:/usr/bin:/bin",
        "HOME": given.home,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "HOSTNAME": f"gke-{replica.task}-{job_id}"[:63],
        **image.env,
        **given.base,
    }
    _add_own(values, replica)
    values |= {
        "CLOUD_ML_JOB_ID": job_id,
        "CLOUD_ML_PROJECT_ID": given.project_number,
        "GCE_METADATA_HOST": f"{given.metadata_host}/{given.secret}",
        "GCE_METADATA_IP": given.metadata_host,
        **_output(job["job_spec"]),
        **_tensorboard(job),
        **_distribution(job, replica),
    }
    return values


def _add_own(values: dict[str, str], replica: Replica) -> None:
    """Add the container's own variables, which may refer to those before them."""
    for variable in replica.program.get("env") or []:
        values[variable["name"]] = expand(variable.get("value", ""), values)


def _distribution(job: Mapping[str, Any], replica: Replica) -> dict[str, str]:
    values = {"CLUSTER_SPEC": json.dumps(_cluster_spec(job, replica))}
    if len(replicas(job)) > 1:
        values["TF_CONFIG"] = json.dumps(_tf_config(job, replica))
    return values


def _output(spec: Mapping[str, Any]) -> dict[str, str]:
    prefix = (spec.get("base_output_directory") or {}).get("output_uri_prefix", "")
    if not prefix:
        return {}
    base = prefix.rstrip("/")
    return {
        "AIP_MODEL_DIR": f"{base}/model/",
        "AIP_CHECKPOINT_DIR": f"{base}/checkpoints/",
        "AIP_TENSORBOARD_LOG_DIR": f"{base}/logs/",
    }


def _tensorboard(job: Mapping[str, Any]) -> dict[str, str]:
    board = job["job_spec"].get("tensorboard", "")
    if not board:
        return {}
    location = job["name"].split("/")[3]
    return {
        "AIP_TENSORBOARD_RESOURCE_NAME": board,
        "AIP_TENSORBOARD_API_URI": f"https://{location}-aiplatform.googleapis.com",
    }


def _addresses(job: Mapping[str, Any]) -> Iterator[tuple[Replica, str]]:
    """Yield each replica's own loopback address: they all may listen on the same port."""
    number = int(job["name"].rpartition("/")[2]) % _JOBS
    for i, replica in enumerate(replicas(job)):
        yield replica, f"{_FIRST + number * _SPAN + i % _SPAN}:{PORT}"


def _cluster(job: Mapping[str, Any]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for replica, address in _addresses(job):
        found.setdefault(replica.pool, []).append(address)
    return found


def _cluster_spec(job: Mapping[str, Any], replica: Replica) -> dict[str, Any]:
    return {
        "cluster": {f"workerpool{pool}": hosts for pool, hosts in _cluster(job).items()},
        "environment": "cloud",
        "task": {"type": f"workerpool{replica.pool}", "index": replica.index},
        "job": json.dumps({"job_args": replica.program.get("args") or []}),
    }


def _tf_config(job: Mapping[str, Any], replica: Replica) -> dict[str, Any]:
    return {
        "cluster": {_ROLES[pool]: hosts for pool, hosts in _cluster(job).items()},
        "environment": "cloud",
        "task": {"type": _ROLES[replica.pool], "index": replica.index},
    }


def command(replica: Replica, image: Image, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the argument list.

    Notes
    -----
    As a container runtime has it: ``command`` replaces the image's ENTRYPOINT and its CMD, ``args`` alone
    replaces the CMD. Empty when neither spec nor image names a program.
    Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/CustomJobSpec#ContainerSpec
    """
    if "python_package_spec" in replica.spec:
        return _package(replica, image, env)
    container = replica.program
    own: Sequence[str] = container.get("command") or ()
    args: Sequence[str] = container.get("args") or (() if own else image.cmd)
    words = (*(own or image.entrypoint), *args)
    return tuple(expand(word, env) for word in words)


def _package(replica: Replica, image: Image, env: Mapping[str, str]) -> tuple[str, ...]:
    spec = replica.program
    source = _PACKAGE_RUNNER.read_text(encoding="utf-8")
    uris = json.dumps(list(spec["package_uris"]))
    args = (expand(word, env) for word in spec.get("args") or ())
    return (image.interpreter, "-c", source, uris, spec["python_module"], *args)
