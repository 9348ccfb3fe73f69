"""The rules that steps are judged by: frozen data with a digest.

Owns the bundle that is built in. Bundles from outside (documents, CEL) are not read in this version.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

from argovx_lab.model.step import STRATEGIES, canonical


@dataclass(frozen=True)
class Bundle:
    """A set of limits.

    Parameters
    ----------
    kinds : tuple of str
        Kinds of step that may run.
    images : tuple of str
        Patterns of images (``*`` matches any text); empty allows every image.
    timeout_max_s : int
        Longest time-out, in seconds.
    retries_max : int
        Most retries.
    replicas_max : int
        Most machines of one step.
    strategies : tuple of str
        How Vertex may find machines.
    run_as : str
        Pattern of the account; ``{user}`` stands for the user's slug, ``{project}`` for the job's project.
    """

    name: str = "default"
    kinds: tuple[str, ...] = ("custom_job",)
    images: tuple[str, ...] = ()
    timeout_max_s: int = 7 * 24 * 3600
    retries_max: int = 10
    replicas_max: int = 16
    strategies: tuple[str, ...] = STRATEGIES
    run_as: str = "u-{user}@{project}.iam.gserviceaccount.com"

    @property
    def digest(self) -> str:
        """SHA-256 of the bundle's canonical JSON."""
        return hashlib.sha256(canonical(asdict(self))).hexdigest()


def default_bundle() -> Bundle:
    """Return the bundle that is built in."""
    return Bundle()
