"""Walks every hop between this machine and a running step, and says what to fix.

Each check asks the real end, as the principal whose hop it is: the notebook's here, the step's own by a
Workflow of the platform's template ``check``. A failed hop does not hide the ones behind it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial

from argovx_lab.compile.platform import cluster_template
from argovx_lab.compile.probe import DEADLINE_S, probe
from argovx_lab.errors import ArgovxError, NotFound, PermissionMissing
from argovx_lab.identity.examine import examine as examine_token
from argovx_lab.identity.examine import judge
from argovx_lab.identity.settings import FEDERATED
from argovx_lab.launcher.settings import IAM_URL, RESOURCEMANAGER_URL
from argovx_lab.model import grants, names
from argovx_lab.model.check import Check, decode
from argovx_lab.storage import folders
from argovx_lab.vertex.permissions import Permissions
from argovx_lab.wiring import signin
from argovx_lab.wiring.platform import platform_of
from argovx_lab.wiring.profiles import SANDBOX, Profile
from argovx_lab.wiring.services import Services

__all__ = ["Check", "examine", "lines"]

#: Good, seen, hint, and whether it is a warning.
Found = tuple[bool | None, str, str] | tuple[bool | None, str, str, bool]

#: What a notebook does with objects below the user's folder.
OBJECTS = tuple(f"storage.objects.{verb}" for verb in ("create", "delete", "get", "list"))

#: What it does with Workflows.
VERBS = ("create", "get", "list", "watch", "patch")

#: Between looks at the check's Workflow. Unit: seconds.
LOOK_S = 0.2


def examine(services: Services) -> Iterator[Check]:
    """Yield the checks in the order of the hops."""
    profile = services.profile
    if profile.sign_in in FEDERATED:
        yield _try("notebook: token", lambda: _token(profile))
    yield _try("notebook: sign-in at Google", lambda: _google(services))
    yield _try("notebook: sign-in at Kubernetes", lambda: (True, services.cluster.who_am_i(), ""))
    rights = [_try(f"notebook: may {verb} workflows", partial(_right, services, verb)) for verb in VERBS]
    yield from rights
    yield _try("platform template", lambda: _template(services))
    yield _try("notebook: bucket", lambda: _bucket(services))
    yield _try("notebook: Vertex jobs", lambda: _jobs(services))
    yield _try("notebook: no more rights than needed", lambda: _wide(services))
    yield from _step(services) if rights[0].good else ()


def lines(check: Check) -> list[str]:
    """Return a check as people read it."""
    sign = "!" if check.warning else {True: "✓", False: "✕", None: "–"}[check.good]
    hint = [f"    {check.hint}"] if check.hint and not check.good else []
    return [f"{sign} {check.name}: {check.seen}", *hint]


def _try(name: str, ask: Callable[[], Found]) -> Check:
    try:
        return Check(name, *ask())
    except ArgovxError as error:
        return Check(name, False, error.message, error.hint)


def _token(profile: Profile) -> Found:
    return judge(examine_token(signin.subject(profile)), profile.audience)


def _google(services: Services) -> Found:
    seen = services.session.seen()
    return True, f"{seen.google}, by {seen.through}", ""


def _member(services: Services) -> str:
    """Return who needs a grant at Google: as the sign-in tells, else as the profile says."""
    try:
        return services.session.seen().google
    except ArgovxError:
        return services.profile.principal.google


def _right(services: Services, verb: str) -> Found:
    if services.cluster.can_i(verb, "workflows", "argoproj.io"):
        return True, "yes", ""
    account = services.profile.principal.account.rpartition(":")[2]
    return False, "no", grants.namespace_grant(services.profile.namespace, account, VERBS, "workflows")


def _template(services: Services) -> Found:
    profile = services.profile
    install = "argovx platform template"
    install += "" if profile.name == SANDBOX else f" --profile {profile.name}"
    there = services.cluster.get_cluster_template(names.STEP_TEMPLATE)
    if there is None:
        message = f"ClusterWorkflowTemplate {names.STEP_TEMPLATE} is not installed"
        return False, message, f"{install} | kubectl apply -f -"
    key = f"{names.PREFIX}digest"
    digest = str((there["metadata"].get("annotations") or {}).get(key, ""))
    wanted = cluster_template(platform_of(profile))["metadata"]["annotations"][key]
    seen = f"{names.STEP_TEMPLATE}, digest {digest[:12] or 'unknown'}"
    if digest != wanted:
        return None, f"{seen}; this version would install {wanted[:12]}", f"{install} | kubectl apply -f -"
    return True, seen, ""


def _bucket(services: Services) -> Found:
    profile, layout = services.profile, services.profile.layout
    place = layout.uri(layout.root)
    try:
        held = folders.held(services.session, profile.endpoints.storage, layout.bucket, layout.root, OBJECTS)
    except NotFound:
        return False, f"{place} is not there", f"gcloud storage managed-folders create {place}"
    missing = [name for name in OBJECTS if name not in held]
    if not missing:
        return True, place, ""
    fix = grants.folder_grant(layout.bucket, layout.root, _member(services), missing)
    return False, f"{place}: {', '.join(missing)} missing", fix


def _jobs(services: Services) -> Found:
    profile = services.profile
    try:
        for _ in services.jobs.find('labels.argovx-user="nobody"'):
            break
    except PermissionMissing as error:
        role = grants.project_grant(profile.project, _member(services), grants.READER)
        return False, error.message, role
    return True, f"{profile.project}, {profile.region}", ""


def _wide(services: Services) -> Found:
    """Warn of a principal that can do much more than it needs."""
    if services.cluster.can_i("*", "*", "*", namespaced=False):
        hint = "Use a kubeconfig context of your own ServiceAccount instead of a cluster-admin's."
        return None, "cluster-admin: it may do everything in the cluster", hint, True
    profile = services.profile
    ends = profile.endpoints
    asked = Permissions(services.session, ends.resourcemanager or RESOURCEMANAGER_URL, ends.iam or IAM_URL)
    try:
        held = asked.on_project(profile.project, grants.WIDE)
    except ArgovxError as error:
        return None, f"cannot be asked: {error.message}", "Enable cloudresourcemanager.googleapis.com."
    return grants.wide(profile.project, _member(services), held)


def _step(services: Services) -> Iterator[Check]:
    """Yield what the step's own account found."""
    try:
        yield from decode(_report(services))
    except ArgovxError as error:
        yield Check("step: check in a pod", False, error.message, error.hint)


def _report(services: Services) -> str:
    """Submit the check and return its report."""
    profile = services.profile
    name = f"argovx-doctor-{secrets.token_hex(3)}"
    services.cluster.create_workflow(probe(name, profile.namespace, profile.user, profile.run_as))
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        found = services.cluster.get_workflow(name) or {}
        status = found.get("status") or {}
        nodes = list((status.get("nodes") or {}).values())
        for node in nodes:
            for parameter in (node.get("outputs") or {}).get("parameters") or []:
                if parameter.get("name") == "report":
                    return str(parameter.get("value", ""))
        if status.get("phase") in ("Failed", "Error"):
            raise _failed(profile, status, nodes)
        time.sleep(LOOK_S)
    raise NotFound(
        f"the check's Workflow {name} did not end within {DEADLINE_S} s",
        hint=f"kubectl -n {profile.namespace} describe workflow {name}; is Argo's controller there?",
    )


def _failed(profile: Profile, status: dict[str, object], nodes: list[dict[str, object]]) -> NotFound:
    said = [str(node["message"]) for node in nodes if node.get("message")] or [str(status.get("message", ""))]
    account = names.workflow_account(profile.user)
    hint = f"The launcher image is {profile.launcher_image}."
    if "serviceaccount" in said[-1].replace(" ", "").lower():
        hint = f"kubectl -n {profile.namespace} create serviceaccount {account}"
    elif "workflowtaskresults" in said[-1]:
        hint = grants.namespace_grant(profile.namespace, account, ("create", "patch"), "workflowtaskresults")
    return NotFound(f"the check did not run: {said[-1]}", hint=hint)
