"""What CreateCustomJob refuses: the checks a real project makes, and by name what the sandbox lacks.

Owns the judgement of one CustomJob as a dict, and the defaults the service fills in. It collects all errors
of a request, as Vertex does: ``List of found errors: 1.Field: …; Message: …``.
Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/CustomJobSpec
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from argovx_lab.sandbox.google.errors import listed, unimplemented
from argovx_lab.sandbox.google.jobs import catalogue
from argovx_lab.sandbox.google.jobs.states import TIMEOUT_DEFAULT_S

#: Longest display name and most labels. Units: characters, entries.
DISPLAY_NAME_MAX = 128
LABELS_MAX = 64
POOLS_MAX = 4
ENV_MAX = 100
PACKAGES_MAX = 100

_JOB_REFUSED = ("encryption_spec",)
_SPEC_REFUSED = (
    *("network", "reserved_ip_ranges", "psc_interface_config"),
    *("enable_web_access", "enable_dashboard_access", "protected_artifact_location_id", "models"),
)
_POOL_REFUSED = ("nfs_mounts", "lustre_mounts")
_MACHINE_REFUSED = (
    *("tpu_topology", "reservation_affinity", "gpu_partition_size", "multihost_gpu_node_count"),
    *("min_gpu_driver_version",),
)
#: Part of a custom job → fields that the sandbox refuses by name.
REFUSED: Mapping[str, tuple[str, ...]] = {
    "custom_job": _JOB_REFUSED,
    "job_spec": _SPEC_REFUSED,
    "worker_pool_specs[]": _POOL_REFUSED,
    "machine_spec": _MACHINE_REFUSED,
}
_STRATEGIES = ("STANDARD", "ON_DEMAND", "SPOT", "LOW_COST", "FLEX_START", "STRATEGY_UNSPECIFIED")
_LABEL_KEY = re.compile(r"[^\W\d_A-Z][\w-]{0,62}")
_LABEL_VALUE = re.compile(r"[\w-]{0,63}")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
#: Images that can install Python packages. Source: the list of prebuilt containers for training.
_EXECUTOR = re.compile(r"docker\.pkg\.dev/vertex-ai/|gcr\.io/cloud-aiplatform/")
#: What the service computes: given on input it is dropped, as on Google's side.
_OUTPUT_ONLY = (
    "name",
    "state",
    "create_time",
    "start_time",
    "end_time",
    "update_time",
    "error",
    "web_access_uris",
)

Found = Iterator[tuple[str, str]]
Document = Mapping[str, Any]


def custom_job(job: Document) -> dict[str, Any]:
    """Return the job with the service's defaults.

    Raises
    ------
    GoogleError
        UNIMPLEMENTED for what the sandbox does not emulate, INVALID_ARGUMENT for what Google refuses.
    """
    _refuse(job, _JOB_REFUSED, "custom_job")
    spec = job.get("job_spec") or {}
    _refuse(spec, _SPEC_REFUSED, "job_spec")
    pools = list(spec.get("worker_pool_specs") or [])
    for i, pool in enumerate(pools):
        _refuse(pool, _POOL_REFUSED, f"job_spec.worker_pool_specs[{i}]")
        _refuse(pool.get("machine_spec") or {}, _MACHINE_REFUSED, f"worker_pool_specs[{i}].machine_spec")
    problems = [*_display_name(job), *labels(job), *_pools(pools), *_rest(spec), *_scheduling(spec, pools)]
    if problems:
        raise listed(problems)
    kept = {k: v for k, v in job.items() if k not in _OUTPUT_ONLY}
    return {**kept, "job_spec": {**spec, "worker_pool_specs": [_filled(pool) for pool in pools]}}


def _refuse(part: Document, names: tuple[str, ...], where: str) -> None:
    for name in names:
        if part.get(name):
            raise unimplemented(f"'{where}.{name}' of a CustomJob", "Leave it out on the sandbox.")


def _filled(pool: Document) -> dict[str, Any]:
    if not pool:
        return {}
    disk = {"boot_disk_type": "pd-ssd", "boot_disk_size_gb": 100, **(pool.get("disk_spec") or {})}
    return {"replica_count": "1", **pool, "disk_spec": disk}


def _display_name(job: Document) -> Found:
    name = job.get("display_name", "")
    if not name:
        yield "custom_job.display_name", "Display name is required, but it is missing."
    elif len(name) > DISPLAY_NAME_MAX:
        yield "custom_job.display_name", f"Display name must have at most {DISPLAY_NAME_MAX} characters."


def labels(resource: Document) -> Found:
    """Yield what is wrong with a resource's labels."""
    found = resource.get("labels") or {}
    if len(found) > LABELS_MAX:
        yield "labels", f"At most {LABELS_MAX} labels are allowed, but there are {len(found)}."
    for key, value in found.items():
        if not _LABEL_KEY.fullmatch(key) or key != key.lower():
            yield (
                f"labels.{key}",
                (
                    "Label keys must start with a lowercase letter and have at most 63 lowercase letters, "
                    "digits, underscores or dashes."
                ),
            )
        elif not _LABEL_VALUE.fullmatch(value) or value != value.lower():
            yield (
                f"labels.{key}",
                (
                    f"Label value '{value[:70]}' must have at most 63 lowercase letters, digits, underscores "
                    "or dashes."
                ),
            )


def _pools(pools: list[Document]) -> Found:
    field = "job_spec.worker_pool_specs"
    if not pools or not pools[0]:
        yield field, "At least one worker pool is required; the first one must not be empty."
        return
    if len(pools) > POOLS_MAX:
        yield field, f"At most {POOLS_MAX} worker pools are allowed, but there are {len(pools)}."
    for i, pool in enumerate(pools):
        if pool:
            yield from _pool(pool, i, f"{field}[{i}]")


def _pool(pool: Document, index: int, field: str) -> Found:
    count = int(pool.get("replica_count") or 1)
    if index == 0 and count != 1:
        yield f"{field}.replica_count", f"The first worker pool must have replica count 1, but it is {count}."
    if count < 1:
        yield f"{field}.replica_count", f"Replica count must be positive, but is {count}."
    yield from _machine(pool.get("machine_spec") or {}, f"{field}.machine_spec")
    disk = pool.get("disk_spec") or {}
    size = int(disk.get("boot_disk_size_gb") or 100)
    if problem := catalogue.disk_problem(disk.get("boot_disk_type") or "pd-ssd", size):
        yield f"{field}.disk_spec", problem
    container, package = pool.get("container_spec"), pool.get("python_package_spec")
    if package is not None:
        yield from _package(package, f"{field}.python_package_spec")
        return
    if container is None:
        yield f"{field}.container_spec", "A container spec or a Python package spec is required."
        return
    if not container.get("image_uri"):
        yield f"{field}.container_spec.image_uri", "Image URI is required, but it is missing."
    yield from _env(container.get("env") or [], f"{field}.container_spec.env")


def _package(package: Document, field: str) -> Found:
    image = package.get("executor_image_uri", "")
    if not _EXECUTOR.search(image):
        yield (
            f"{field}.executor_image_uri",
            f"Executor image '{image}' is not one of the prebuilt containers for training.",
        )
    uris = package.get("package_uris") or []
    if not 0 < len(uris) <= PACKAGES_MAX:
        yield (
            f"{field}.package_uris",
            f"1 to {PACKAGES_MAX} package URIs are required, but {len(uris)} are given.",
        )
    for uri in uris:
        if not re.fullmatch(r"gs://[^/]+/.+", uri):
            yield (
                f"{field}.package_uris",
                f"'{uri}' is not the name of a Cloud Storage object, gs://BUCKET/NAME.",
            )
    if not package.get("python_module"):
        yield f"{field}.python_module", "The Python module is required, but it is missing."
    yield from _env(package.get("env") or [], f"{field}.env")


def _machine(machine: Document, field: str) -> Found:
    kind = machine.get("machine_type", "")
    if not kind:
        yield f"{field}.machine_type", "Machine type is required, but it is missing."
        return
    if not catalogue.known_machine(kind):
        yield f"{field}.machine_type", f'Machine type "{kind}" is not supported.'
        return
    accelerator = machine.get("accelerator_type", "")
    if not isinstance(accelerator, str):
        yield f"{field}.accelerator_type", f"Accelerator type {accelerator} does not exist."
        return
    accelerator = "" if accelerator == "ACCELERATOR_TYPE_UNSPECIFIED" else accelerator
    if problem := catalogue.accelerator_problem(
        kind, accelerator, int(machine.get("accelerator_count") or 0)
    ):
        yield f"{field}.accelerator_type", problem


def _env(env: list[Document], field: str) -> Found:
    if len(env) > ENV_MAX:
        yield field, f"At most {ENV_MAX} environment variables are allowed, but there are {len(env)}."
    seen = set()
    for i, variable in enumerate(env):
        name = variable.get("name", "")
        if not _ENV_NAME.fullmatch(name):
            yield f"{field}[{i}].name", f"Environment variable name '{name}' must be a C identifier."
        elif name in seen:
            yield f"{field}[{i}].name", f"Environment variable '{name}' is given twice."
        seen.add(name)


def _rest(spec: Document) -> Found:
    account = spec.get("service_account", "")
    if account and not _EMAIL.fullmatch(account):
        yield "job_spec.service_account", f"'{account}' is not the email of a service account."
    prefix = (spec.get("base_output_directory") or {}).get("output_uri_prefix", "gs://")
    if not prefix.startswith("gs://"):
        yield "job_spec.base_output_directory.output_uri_prefix", f"'{prefix}' must start with gs://."
    if spec.get("tensorboard"):
        if not account:
            yield "job_spec.service_account", "A service account is required when a Tensorboard is set."
        if prefix == "gs://":
            yield (
                "job_spec.base_output_directory",
                "A base output directory is required when a Tensorboard is set.",
            )
    if spec.get("experiment_run") and not spec.get("experiment"):
        yield "job_spec.experiment", "An experiment is required when an experiment run is set."


def seconds(duration: str) -> float:
    """Return a protobuf JSON duration (``"3.5s"``) in seconds."""
    return float(duration.removesuffix("s"))


def _scheduling(spec: Document, pools: list[Document]) -> Found:
    scheduling = spec.get("scheduling") or {}
    field = "job_spec.scheduling"
    strategy = scheduling.get("strategy", "STANDARD")
    if strategy not in _STRATEGIES:
        yield f"{field}.strategy", f"Strategy {strategy} does not exist."
    timeout = seconds(scheduling.get("timeout", f"{TIMEOUT_DEFAULT_S}s"))
    if timeout < 0:
        yield f"{field}.timeout", "The timeout must not be negative."
    if strategy != "FLEX_START":
        if "max_wait_duration" in scheduling:
            yield f"{field}.max_wait_duration", "It can only be set with the strategy FLEX_START."
        return
    if timeout > TIMEOUT_DEFAULT_S:
        yield f"{field}.timeout", "With FLEX_START the timeout must be at most 7 days."
    for i, pool in enumerate(pools):
        machine = pool.get("machine_spec") or {}
        accelerator = catalogue.accelerator_of(
            machine.get("machine_type", ""), machine.get("accelerator_type", "")
        )
        if pool and not catalogue.flex_start(accelerator):
            yield (
                f"job_spec.worker_pool_specs[{i}].machine_spec",
                (f"FLEX_START does not serve accelerator '{accelerator or 'none'}'."),
            )
