"""The built-in profile: starts the sandbox when it is not running and installs the platform's template.

Owns what a platform team does once on a cluster, done here as the sandbox's owner through the same API.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from argovx_lab.sandbox import lifecycle
from argovx_lab.wiring.platform import platform_of
from argovx_lab.wiring.profiles import (
    SANDBOX,
    SANDBOX_NOTE,
    SANDBOX_NOTE_NOW,
    Endpoints,
    Profile,
    current_user,
    sandbox_dir,
)

if TYPE_CHECKING:
    from argovx_lab.compile.platform import Platform
    from argovx_lab.sandbox.lifecycle import Status


def start_sandbox() -> Status:
    """Start the sandbox if need be, install the platform's template, and return its status."""
    status = lifecycle.start(sandbox_dir(), user=current_user())
    marker = Path(status.state_dir) / "platform.json"
    platform = platform_of(sandbox_profile(status))
    _install(status, platform, marker)
    return status


def sandbox_profile(status: Status) -> Profile:
    """Return the built-in profile for a running sandbox."""
    endpoint = status.google_endpoint
    return Profile(
        name=SANDBOX,
        kubeconfig=status.kubeconfig,
        context=status.notebook_context,
        namespace=status.namespace,
        project=status.project,
        project_number=status.project_number,
        region=status.region,
        bucket=status.bucket,
        user=status.user,
        run_as=status.run_as,
        audience=status.audience,
        token_file=status.notebook_token,
        endpoints=Endpoints(*[endpoint] * 7),
        ca_file=status.ca,
        note=SANDBOX_NOTE,
        note_now=SANDBOX_NOTE_NOW,
        bucket_poll_s=0.25,
        vertex_poll_s=1.0,
    )


def _install(status: Status, platform: Platform, marker: Path) -> None:
    """Apply the template as the sandbox's owner, once per content."""
    from argovx_lab.cluster.client import Cluster
    from argovx_lab.compile.platform import ca_config_map, cluster_template

    objects = [cluster_template(platform), ca_config_map(platform, status.namespace)]
    wanted = json.dumps(objects, sort_keys=True)
    if marker.exists() and marker.read_text() == wanted:
        return
    owner = Cluster(Path(status.kubeconfig), status.owner_context, status.namespace)
    for obj in objects:
        if obj is not None:
            owner.apply(obj)
    marker.write_text(wanted)


def restart_if_died() -> None:
    """Start the sandbox when its server died; a clean stop takes the discovery file away."""
    folder = sandbox_dir()
    if (folder / "sandbox.json").exists() and lifecycle.status(folder) is None:
        start_sandbox()


def sandbox_status() -> Status | None:
    """Return the running sandbox's status, or ``None`` when it does not run."""
    return lifecycle.status(sandbox_dir())


def sandbox_environment() -> dict[str, str]:
    """Return the environment in which vendors' clients reach the sandbox; starts it when need be."""
    return lifecycle.environment(start_sandbox())


def stop_sandbox(state_dir: Path, *, everything: bool = False) -> lifecycle.Stopped:
    """Stop the sandbox, with all its pods and jobs when ``everything``."""
    return lifecycle.stop(state_dir, all=everything)
