"""Walks every hop between this machine and a running step, and says what to fix.

Each check asks the real end, as the principal that steps are submitted by. A failed hop does not hide the
ones behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from argovx_lab.errors import ArgovxError, NotFound
from argovx_lab.model.names import STEP_TEMPLATE
from argovx_lab.wiring.profiles import Profile
from argovx_lab.wiring.services import Services


@dataclass(frozen=True)
class Check:
    """One hop: what was asked, whether it is well, what was seen, what to do."""

    name: str
    good: bool
    seen: str
    hint: str = ""


def examine(services: Services) -> Iterator[Check]:
    """Yield the checks in the order of the hops."""
    profile = services.profile
    yield _try("token file", lambda: _token_file(profile))
    yield _try("Kubernetes sign-in", lambda: _sign_in(services))
    for verb in ("create", "get", "list", "watch", "patch"):
        yield _right(services, verb)
    yield _try("platform template", lambda: _template(services))
    yield _try("token exchange and bucket", lambda: _bucket(services))
    yield _try("Vertex custom jobs", lambda: _jobs(services))
    yield _wide(services)


def _try(name: str, ask: Callable[[], str]) -> Check:
    try:
        return Check(name, True, ask())
    except ArgovxError as error:
        return Check(name, False, error.message, error.hint)


def _token_file(profile: Profile) -> str:
    if not Path(profile.token_file).is_file():
        raise NotFound(
            "the token file of this profile is not there",
            hint="On a cluster: mount a projected ServiceAccount token. Sandbox: argovx sandbox start",
        )
    return "there"


def _sign_in(services: Services) -> str:
    return services.cluster.who_am_i()


def _right(services: Services, verb: str) -> Check:
    name = f"may {verb} workflows"
    try:
        allowed = services.cluster.can_i(verb, "workflows", "argoproj.io")
    except ArgovxError as error:
        return Check(name, False, error.message, error.hint)
    account = services.profile.principal.account
    namespace = services.profile.namespace
    fix = (
        f"kubectl -n {namespace} create role argovx-notebook --verb={verb}"
        " --resource=workflows.argoproj.io"
        f" && kubectl -n {namespace} create rolebinding argovx-notebook --role=argovx-notebook "
        f"--serviceaccount={':'.join(account.split(':')[2:])}"
    )
    return Check(name, allowed, "yes" if allowed else "no", "" if allowed else fix)


def _template(services: Services) -> str:
    template = services.cluster.get_cluster_template(STEP_TEMPLATE)
    if template is None:
        raise NotFound(
            f"ClusterWorkflowTemplate {STEP_TEMPLATE} is not installed",
            hint="argovx platform template | kubectl apply -f -",
        )
    digest = (template["metadata"].get("annotations") or {}).get("argovx.dev/digest", "")
    return f"{STEP_TEMPLATE}, digest {digest[:12] or 'unknown'}"


def _bucket(services: Services) -> str:
    layout = services.profile.layout
    for _ in services.objects.list(layout.bucket, layout.root):
        break
    return layout.uri(layout.root)


def _jobs(services: Services) -> str:
    for _ in services.jobs.find('labels.argovx-user="nobody"'):
        break
    return f"{services.profile.project}, {services.profile.region}"


def _wide(services: Services) -> Check:
    """Warn of a principal that can do much more than it needs."""
    try:
        wide = services.cluster.can_i("*", "*", "*", namespaced=False)
    except ArgovxError as error:
        return Check("no more rights than needed", False, error.message, error.hint)
    hint = "Use a kubeconfig context of your own ServiceAccount instead of a cluster-admin's." if wide else ""
    return Check("no more rights than needed", not wide, "cluster-admin" if wide else "yes", hint)
