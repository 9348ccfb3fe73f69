"""``check``: every hop of a step, asked as the account that steps run as; creates nothing.

Owns the order of the hops and their words. A failed hop does not hide the ones behind it; whatever is found,
the exit code is 0 and the findings are the output ``report``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from argovx_lab.errors import ArgovxError, NotFound, PermissionMissing
from argovx_lab.identity.examine import examine, judge
from argovx_lab.launcher.context import Context
from argovx_lab.launcher.ending import SUCCEEDED, Ending
from argovx_lab.model import grants
from argovx_lab.model.check import Check, encode
from argovx_lab.model.names import workflow_account
from argovx_lab.storage import folders

#: What a launcher does with objects below the user's folder.
OBJECTS = ("storage.objects.create", "storage.objects.get", "storage.objects.list")

#: What it does with jobs.
JOBS = tuple(f"aiplatform.customJobs.{verb}" for verb in ("create", "get", "list", "cancel"))

#: What lineage needs; a step succeeds without.
LINEAGE = tuple(f"aiplatform.{kind}.create" for kind in ("artifacts", "contexts", "executions"))

ACT_AS = ("iam.serviceAccounts.actAs",)

#: Good, seen, hint, and whether it is a warning.
Found = tuple[bool | None, str, str] | tuple[bool | None, str, str, bool]


def check(context: Context, run_as: str) -> Ending:
    """Ask every hop and write the report."""
    found = list(Hops(context, run_as))
    os.makedirs(context.settings.outputs, exist_ok=True)
    with open(os.path.join(context.settings.outputs, "report"), "w", encoding="utf-8") as file:
        file.write(encode(found))
    bad = [hop.name for hop in found if hop.good is False]
    return Ending(0, SUCCEEDED, f"not well: {', '.join(bad)}" if bad else "all hops are well")


class Hops:
    """The hops in their order.

    Parameters
    ----------
    run_as : str
        The service account that jobs would run as.
    """

    def __init__(self, context: Context, run_as: str) -> None:
        self._context = context
        self._settings = context.settings
        self._run_as = run_as
        self._member = "PRINCIPAL"

    def __iter__(self) -> Iterator[Check]:
        yield self._try("step: token", self._token)
        yield self._try("step: sign-in at Google", self._sign_in)
        yield self._try("step: results in the bucket", self._bucket)
        yield self._try("step: custom jobs", self._jobs)
        yield self._try("step: lineage", self._lineage)
        yield self._try("step: jobs run as", self._act_as)
        yield self._try("step: no more rights than needed", self._wide)
        yield self._try("step: own Workflow", self._workflow)
        yield self._try("step: task result", self._task_result)

    def _try(self, name: str, ask: Callable[[], Found]) -> Check:
        try:
            return Check(name, *ask())
        except ArgovxError as error:
            return Check(name, False, error.message, error.hint)

    def _token(self) -> tuple[bool | None, str, str]:
        federation = self._settings.federation
        claims = examine(federation.token_file)
        self._member = grants.member_of(federation.audience, claims.subject)
        return judge(claims, federation.audience)

    def _sign_in(self) -> tuple[bool | None, str, str]:
        self._context.session.sign_in()
        self._member = self._context.session.seen().google
        return True, self._member, ""

    def _bucket(self) -> tuple[bool | None, str, str]:
        layout = self._settings.layout
        place = layout.uri(layout.root)
        try:
            held = folders.held(
                self._context.session, self._settings.storage_url, layout.bucket, layout.root, OBJECTS
            )
        except NotFound:
            return False, f"{place} is not there", f"gcloud storage managed-folders create {place}"
        missing = [name for name in OBJECTS if name not in held]
        fix = grants.folder_grant(layout.bucket, layout.root, self._member, missing) if missing else ""
        return not missing, _said(place, missing), fix

    def _jobs(self) -> tuple[bool | None, str, str]:
        return self._project(JOBS, grants.SUBMITTER, needed=True)

    def _lineage(self) -> tuple[bool | None, str, str]:
        return self._project(LINEAGE, grants.LINEAGE_WRITER, needed=False)

    def _project(
        self, permissions: tuple[str, ...], role: str, *, needed: bool
    ) -> tuple[bool | None, str, str]:
        project = self._settings.project
        try:
            held = self._context.permissions.on_project(project, permissions)
        except ArgovxError as error:
            return None, f"cannot be asked: {error.message}", "Enable cloudresourcemanager.googleapis.com."
        missing = [name for name in permissions if name not in held]
        fix = grants.project_grant(project, self._member, role) if missing else ""
        good = not missing if needed or not missing else None
        return good, _said(f"project {project}", missing), fix

    def _wide(self) -> Found:
        project = self._settings.project
        try:
            held = self._context.permissions.on_project(project, grants.WIDE)
        except ArgovxError as error:
            return None, f"cannot be asked: {error.message}", "Enable cloudresourcemanager.googleapis.com."
        return grants.wide(project, self._member, held)

    def _act_as(self) -> tuple[bool | None, str, str]:
        project = self._settings.project
        try:
            held = self._context.permissions.on_account(self._run_as, ACT_AS)
        except NotFound:
            name = self._run_as.partition("@")[0]
            line = f"gcloud iam service-accounts create {name} --project={project}"
            return False, f"{self._run_as} does not exist", line
        missing = [name for name in ACT_AS if name not in held]
        fix = grants.act_as_grant(self._run_as, project, self._member) if missing else ""
        return not missing, _said(self._run_as, missing), fix

    def _workflow(self) -> tuple[bool | None, str, str]:
        try:
            self._context.kubernetes.workflow(self._settings.workflow)
        except PermissionMissing as error:
            return False, error.message, self._right(("get",), "workflows")
        return True, self._settings.workflow, ""

    def _task_result(self) -> tuple[bool | None, str, str]:
        try:
            there = self._context.kubernetes.report(self._settings.node_id, {})
        except PermissionMissing as error:
            return False, error.message, self._right(("create", "patch"), "workflowtaskresults")
        return True, "may be patched" if there else "not there yet", ""

    def _right(self, verbs: tuple[str, ...], resource: str) -> str:
        settings = self._settings
        return grants.namespace_grant(settings.namespace, workflow_account(settings.user), verbs, resource)


def _said(place: str, missing: list[str]) -> str:
    return f"{place}: {', '.join(missing)} missing" if missing else place
