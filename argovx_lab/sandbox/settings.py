"""``settings.toml`` of a state folder: what people may change of a sandbox. Unknown keys are refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argovx_lab.errors import SandboxError

#: What a new state folder's file says.
TEMPLATE = """\
# Settings of this sandbox; read at its start (argovx sandbox stop && argovx sandbox start).
# Every time is in seconds of simulated time: `speed` divides it.

# provisioning_s = 0.2   # between a Vertex job's creation and its first process
# pod_start_s = 0.0      # between a pod's binding and its first process
# speed = 1.0

# quotas = true          # refuse what a new project's quotas would refuse; or a table [quotas] with
#                        # crud, submissions, metadata, tensorboard_reads, log_reads, token_exchanges,
#                        # impersonations (a minute), cpus, preemptible_cpus, jobs (at the same time)

# argo_crds = "~/argo/crds"  # folder with the CustomResourceDefinition files of an Argo: its kinds get their
#                        # schemas, rules and limits; the variable ARGO_CRDS of the start wins

# [images]               # what stands in for a container image: "sh", "python", or a table
# "us-docker.pkg.dev/my-project/my-image" = "python"
# "my-tool" = { cmd = ["my-tool"], path = ["~/bin"], env = { MODE = "test" } }
"""


@dataclass(frozen=True)
class Settings:
    """Settings of one sandbox.

    Parameters
    ----------
    images : mapping
        Image pattern to what stands in for it, see :class:`argovx_lab.sandbox.pods.images.Images`.
    provisioning_s : float
        Simulated time between a Vertex job's creation and its first process, in seconds.
    pod_start_s : float
        Simulated time between a pod's binding and its first process, in seconds.
    speed : float
        Divides every simulated time.
    argo_crds : str
        Folder with definitions of Argo's kinds; empty for the sandbox's own.
    quotas : mapping
        Google's quotas that are on: name to limit, see :mod:`argovx_lab.sandbox.google.quotas`.
    """

    images: Mapping[str, Any] = field(default_factory=dict)
    provisioning_s: float = 0.2
    pod_start_s: float = 0.0
    speed: float = 1.0
    quotas: Mapping[str, int] = field(default_factory=dict)
    argo_crds: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON data."""
        return {
            "images": dict(self.images),
            "provisioning_s": self.provisioning_s,
            "pod_start_s": self.pod_start_s,
            "speed": self.speed,
            "quotas": dict(self.quotas),
            "argo_crds": self.argo_crds,
        }


def load(path: Path) -> Settings:
    """Read the file; one that is not there means the defaults.

    Raises
    ------
    SandboxError
        When it is not TOML, or a key or value is not known.
    """
    try:
        document = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return Settings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SandboxError(f"{path} is not TOML: {error}", hint="correct the file") from None
    known = Settings().to_dict()
    if unknown := sorted(set(document) - set(known)):
        raise SandboxError(
            f"{path}: unknown setting {', '.join(unknown)}", hint=f"known are {', '.join(known)}"
        )
    numbers = {
        name: _number(path, name, document[name])
        for name in document
        if name not in ("images", "quotas", "argo_crds")
    }
    images = document.get("images", {})
    if not isinstance(images, dict):
        raise SandboxError(f"{path}: images must be a table", hint='write [images] and "NAME" = "python"')
    argo_crds = document.get("argo_crds", "")
    if not isinstance(argo_crds, str):
        raise SandboxError(
            f"{path}: argo_crds must be a folder's name, it is {argo_crds!r}",
            hint='write argo_crds = "FOLDER"',
        )
    if numbers.get("speed", 1.0) <= 0:
        raise SandboxError(f"{path}: speed must be above 0, it is {numbers['speed']}")
    quotas = _quotas(path, document.get("quotas", {}))
    return Settings(images=images, quotas=quotas, argo_crds=argo_crds, **numbers)


def _quotas(path: Path, value: Any) -> dict[str, int]:
    from argovx_lab.sandbox.google.quotas import DEFAULTS

    if isinstance(value, bool):
        return dict(DEFAULTS) if value else {}
    good = isinstance(value, dict) and all(type(v) is int and v >= 0 for v in value.values())
    if not good or not set(value) <= set(DEFAULTS):
        raise SandboxError(
            f"{path}: quotas is {value!r}", hint=f"true, false, or whole numbers of {', '.join(DEFAULTS)}"
        )
    return dict(value)


def _number(path: Path, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise SandboxError(f"{path}: {name} must be a number of at least 0, it is {value!r}")
    return float(value)
