"""Whether a step's results are there already, from the same code, inputs and environment.

Owns the search and the proof. Only the user's own Workflows are believed, only results in the user's own
folder, and only when every byte that was promised is still there; else the step is computed anew, and that is
said. What ran on this machine (``--here``) answers nothing: its packages were this kernel's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from argovx_lab.capture.fingerprint import Fingerprint, changed, fingerprint
from argovx_lab.compile import cached as manifests
from argovx_lab.compile.manifest import task_name
from argovx_lab.errors import ArgovxError, OutputsMissing, SpecError
from argovx_lab.model import names
from argovx_lab.model.layout import split_uri
from argovx_lab.model.ours import refusal
from argovx_lab.model.step import MAYBE
from argovx_lab.notebook.handles import Handle
from argovx_lab.notebook.plan import Plan
from argovx_lab.notebook.remote import Resolved, Told
from argovx_lab.notebook.session import Ends, Session
from argovx_lab.runs.argo import Execution, executions
from argovx_lab.runs.words import local_time

#: Results up to this size are read and compared whole before they are believed. Unit: bytes.
READ_MAX = 1 << 20

#: How many older results are looked at, newest first.
CANDIDATES_MAX = 3


@dataclass(frozen=True)
class Hit:
    """An execution whose results stand for this step's."""

    execution: Execution
    outputs: Mapping[str, Resolved]
    manifest: Mapping[str, str]

    @property
    def words(self) -> str:
        """Where it comes from, for people."""
        found = self.execution
        return f"run {found.run}, {local_time(found.finished_at)} (Workflow {found.workflow})"

    def document(self) -> dict[str, Any]:
        """Return what the Workflow of a cached step says of where its results come from."""
        found = self.execution
        return {
            "run": found.run,
            "workflow": found.workflow,
            "at": found.finished_at or "",
            "manifest": dict(self.manifest),
            "outputs": [
                {
                    "name": name,
                    "codec": item.codec,
                    "summary": item.summary,
                    "size_bytes": item.size_bytes,
                    "digest": item.digest,
                    "uri": item.uri,
                }
                for name, item in self.outputs.items()
            ],
        }


def apply(session: Session, plan: Plan, document: Mapping[str, Any], mode: str, *, explain: bool) -> Plan:
    """Return the plan with its cache verdict: as it was, keyed, or answered by results that are there.

    Parameters
    ----------
    mode : str
        ``read`` looks and is kept, ``refresh`` is kept without looking, ``off`` neither.
    explain : bool
        Whether to find out what differs from the last execution; costs a call.
    """
    print_ = fingerprint(plan.spec, document)
    why = _never(plan, print_, mode)
    key = "" if mode == "off" or why else print_.key
    task = task_name(plan.name)
    keyed = replace(plan, manifest=manifests.keyed(plan.manifest, task, key, print_.parts))
    if why or mode != "read":
        return replace(keyed, cache=why or "refresh: computed anew, whatever there is")
    hit, lost = _find(session, plan, task, key)
    if hit is not None:
        manifest = manifests.answered(keyed.manifest, task, hit.document())
        return replace(keyed, manifest=manifest, cached=True, cache=f"hit: same code and data as {hit.words}")
    verdict = _explain(session, plan, print_) if explain else "miss"
    return replace(keyed, cache=lost[0] if lost else verdict, notes=(*plan.notes, *lost))


def refuse_graph(mode: str) -> None:
    """Refuse to read or keep the results of a cell that is several tasks.

    Raises
    ------
    SpecError
        When the user asked for it.
    """
    if mode in ("read", "refresh"):
        raise SpecError(
            f"--cache {mode} cannot be had for a cell that waits, fans out, has a condition or is of a run",
            hint="Take out --cache: such a cell is computed each time.",
        )


def _never(plan: Plan, print_: Fingerprint, mode: str) -> str:
    """Return why nothing can be cached here; empty when it can."""
    if mode == "off":
        return "off"
    if not plan.spec.outputs:
        return "none: a step without outputs runs for what it does"
    if not manifests.simple(plan.manifest):
        return "none: it has a condition or belongs to a graph"
    return "" if print_.key else "none: an input is not made yet"


def _find(session: Session, plan: Plan, task: str, key: str) -> tuple[Hit | None, list[str]]:
    """Return a result that is whole, and a sentence for each newer one that is not any more."""
    lost: list[str] = []
    for execution in _candidates(session, task, key):
        try:
            return _proved(session, plan, execution), lost
        except ArgovxError as error:
            found = f"the cached result of run {execution.run}"
            lost.append(f"{found} is not used, it is computed anew: {error.message}")
    return None, lost


def _candidates(session: Session, task: str, key: str) -> Iterable[Execution]:
    """Return the user's own executions with this key that ended well, newest first."""
    found, _ = session.services.cluster.list_workflows(f"{names.LABEL_CACHE}={key}")
    user = session.profile.user
    ours = [e for w in found if not refusal(w, user) for e in executions(w)]
    good = [e for e in ours if e.task == task and e.phase == "Succeeded" and "cached" not in e.about]
    return sorted(good, key=lambda e: (e.created_at, e.uid), reverse=True)[:CANDIDATES_MAX]


def _proved(session: Session, plan: Plan, execution: Execution) -> Hit:
    """Return the hit when all of it is there, byte for byte.

    Raises
    ------
    OutputsMissing, PolicyDenied
        When something is gone, was changed, or lies where others write.
    """
    ends = _Fixed(Ends(session.services), execution, plan.spec.outputs)
    outputs = {}
    for name in plan.spec.outputs:
        handle = Handle(ends, plan.name, name, execution.workflow, execution.task)
        if plan.spec.outputs[name] == MAYBE and handle.absent():
            continue  # it was made on some paths only, and not on that one
        found = handle.resolve()
        _whole(session, name, found)
        outputs[name] = found
    return Hit(execution, outputs, json.loads(execution.outputs["manifest"]))


def _whole(session: Session, name: str, found: Resolved) -> None:
    """Check that an output is the object that its manifest speaks of."""
    objects = session.services.objects
    bucket, path = split_uri(found.uri)
    meta = objects.stat(bucket, path)
    if meta is None:
        raise OutputsMissing(f"{name} is gone from the bucket")
    same = meta.size_bytes == found.size_bytes and meta.digest in ("", found.digest)
    if same and found.generation:
        same = meta.generation == found.generation
    if same and (found.size_bytes <= READ_MAX or not found.generation):
        same = hashlib.sha256(objects.get(bucket, path)).hexdigest() == found.digest
    if not same:
        raise OutputsMissing(f"{name} is not what its manifest says")


@dataclass(frozen=True)
class _Fixed:
    """What Argo says of one execution, heard once."""

    ends: Ends
    execution: Execution
    codecs: Mapping[str, str]

    def told(self, workflow: str, task: str) -> Told:
        del workflow, task
        layout = self.ends.services.profile.layout
        folder = layout.uri(f"{layout.root}runs/{self.execution.uid}/")
        return Told("Succeeded", self.execution.outputs, folder, self.codecs)

    def read(self, bucket: str, name: str) -> bytes:
        return self.ends.read(bucket, name)

    def executions(self, workflow: str) -> list[Execution]:
        return self.ends.executions(workflow)

    def read_first(self, bucket: str, name: str, length: int) -> bytes:
        return self.ends.read_first(bucket, name, length)


def _explain(session: Session, plan: Plan, print_: Fingerprint) -> str:
    """Return why nothing was found: what differs from the step's last execution in this run."""
    mine = [e for w in session.workflows() for e in executions(w) if e.step == plan.name]
    if not mine:
        return "miss: this step has not run in this run, and no other one did the same"
    last = max(mine, key=lambda e: (e.created_at, e.uid))
    differs = changed(last.about.get("parts") or {}, print_.parts)
    if differs:
        return f"miss: since Workflow {last.workflow} {', '.join(differs)} changed"
    if last.phase != "Succeeded":
        return f"miss: Workflow {last.workflow} did the same and is {last.phase.lower() or 'queued'}"
    return f"miss: Workflow {last.workflow} did the same and was not kept (--cache off)"
