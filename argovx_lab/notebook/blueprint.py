"""A Workflow of several steps that is ready to be submitted: what is sent, and the plan that is shown.

Owns what a whole notebook and a cell with ``--for``, ``--when`` or ``--after`` have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from argovx_lab.capture.arguments import Options
from argovx_lab.capture.each import PARALLELISM, Each
from argovx_lab.compile.graph import Fan, Gate, GraphNode, StepNode
from argovx_lab.compile.manifest import machine_text
from argovx_lab.errors import SpecError
from argovx_lab.model import names
from argovx_lab.model.condition import Known
from argovx_lab.model.names import is_step_name
from argovx_lab.model.run import Cell
from argovx_lab.model.step import StepSpec
from argovx_lab.notebook import inputs, leaks
from argovx_lab.notebook import plan as plans
from argovx_lab.notebook.inputs import Bound
from argovx_lab.notebook.session import Session
from argovx_lab.notebook.shown import Shown

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One step, or one member of a fan-out: its document and what is sent with it."""

    spec: StepSpec
    source: bytes
    bound: tuple[Bound, ...]
    signature: str
    cell: Cell
    notes: tuple[str, ...] = ()
    leaking: tuple[str, ...] = ()
    fan: str = ""
    item: str = ""


@dataclass(frozen=True, repr=False)
class Blueprint(Shown):
    """A Workflow of many steps that is ready to be submitted."""

    session: Session
    parts: tuple[Part, ...]
    nodes: tuple[GraphNode, ...]
    manifest: Manifest
    origin: str
    notes: tuple[str, ...] = ()

    @property
    def workflow(self) -> str:
        """The Workflow's name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def run(self) -> str:
        """The run's id."""
        return str(self.manifest["metadata"]["labels"][names.LABEL_RUN])

    def send(self) -> None:
        """Upload everything that travels by digest; what is there already is not sent again."""
        from argovx_lab.capture.archive import runner_archive

        objects, layout = self.session.services.objects, self.session.profile.layout
        objects.create_content(layout, runner_archive())
        for part in self.parts:
            inputs.send(self.session, part.bound)
            for content in (part.source, part.spec.encode()):
                objects.create_content(layout, content)

    def lines(self) -> list[str]:
        """Return the plan as people read it."""
        profile = self.session.profile
        who = profile.principal
        lines = [f"plan of {len(self.parts)} steps as one Workflow · {self.origin}"]
        lines += [f"  gate {node.name}: {node.prompt}" for node in self.nodes if isinstance(node, Gate)]
        for part in self.parts:
            item = f" · {part.item}" if part.item else ""
            lines.append(f"  step {part.spec.name}{item} · {part.signature} · on {machine_text(part.spec)}")
            lines += [f"         in {item.name}: {_where(item)}" for item in part.bound]
            lines += [f"         note {note}" for note in part.notes]
        lines += [
            f"  as   submitter {who.account} · steps wf-{who.user} · run-as {profile.run_as}",
            f"  run  {self.run} · profile {profile.name} · {profile.region}",
            f"  plan {self.manifest['metadata']['annotations'][names.ANNOTATION_PLAN][:12]}…",
        ]
        lines += [f"  when {text}" for text in _whens(self.nodes, self.manifest)]
        return [*lines, *(f"  note {note}" for note in self.notes), "  nothing was sent"]


#: Longest value of a member that is shown. Unit: characters.
_ITEM_MAX = 60


def _where(item: Bound) -> str:
    ref = item.ref
    if item.encoded is None:
        return item.summary
    return f"{item.summary} · {ref.digest[:12]}… · sent from here"


def _whens(nodes: Iterable[GraphNode], manifest: Manifest) -> list[str]:
    """Return each condition in both forms: as typed, and as Argo reads it."""
    found = []
    tasks = {
        t["name"]: t for one in manifest["spec"]["templates"] for t in (one.get("dag") or {}).get("tasks", [])
    }
    for node in nodes:
        first = node.members[0] if isinstance(node, Fan) else node
        if isinstance(first, StepNode) and first.when is not None:
            argo = tasks.get(node.name.replace("_", "-"), {}).get("when", "")
            found.append(f"{node.name}: {first.when.text} · Argo: {argo}")
    return found


def parts_of(
    session: Session, options: Options, draft: plans.Draft, each: Sequence[Any] | None
) -> tuple[Part, ...]:
    """Return the parts of a step cell: one, or one for each value.

    Parameters
    ----------
    each : sequence or None
        Values of the fan-out; ``None`` for a step of its own.

    Raises
    ------
    SpecError
        For an unknown machine or image, or a name that is too long for its members.
    PolicyDenied
        When a rule refuses.
    CodecError
        When a value cannot be encoded.
    """
    if options.each is None or each is None:
        return (_part(session, options, draft),)
    name = options.each.name
    last = f"{draft.name}-{len(each) - 1}"
    if not is_step_name(last):
        raise SpecError(
            f"{last} cannot name a step", hint=f"Give {draft.name} a shorter name: its members are numbered."
        )
    return tuple(_member(session, options, draft, name, number, value) for number, value in enumerate(each))


def _member(
    session: Session, options: Options, draft: plans.Draft, name: str, number: int, value: Any
) -> Part:
    own = f"{draft.name}-{number}"
    item = inputs.encoded(session.profile.layout, name, value)
    document = {
        **draft.document,
        "filename": draft.document["filename"].replace(f"({draft.name})", f"({own})"),
    }
    leaking = leaks.of_inputs([item], allowed=options.allow_secret)
    fresh = replace(
        draft,
        name=own,
        document=document,
        inputs=(*draft.inputs, item),
        leaking=(*draft.leaking, *leaking),
    )
    text = "…" if leaking else repr(value)
    shown = f"{name}={text if len(text) <= _ITEM_MAX else text[: _ITEM_MAX - 1] + '…'}"
    return replace(_part(session, options, fresh), fan=draft.name, item=shown.replace("{{", "{ {"))


def _part(session: Session, options: Options, draft: plans.Draft) -> Part:
    spec, source = plans.specify(session.services, options, draft)
    return Part(spec, source, draft.inputs, draft.signature, draft.cell, draft.notes, draft.leaking)


def node_of(
    session: Session, name: str, options: Options, parts: Sequence[Part], after: tuple[str, ...], known: Known
) -> GraphNode:
    """Return the node of the graph that runs these parts."""
    layout = session.profile.layout
    nodes = tuple(
        StepNode(
            part.spec,
            layout.uri(layout.object(part.spec.digest)),
            part.cell,
            after,
            options.when,
            known,
            part.fan,
            part.item,
        )
        for part in parts
    )
    if not parts[0].fan:
        return nodes[0]
    return Fan(name, nodes, options.parallelism or PARALLELISM)


def values_of(each: Each, value: Any) -> tuple[Any, ...]:
    """Return the values of a fan-out over what a name holds; a result is brought here for that.

    Raises
    ------
    SpecError
        When it is no list.
    RunError
        When it is a result that is not there yet.
    """
    from argovx_lab.capture.each import members
    from argovx_lab.notebook.handles import Handle
    from argovx_lab.notebook.lists import HandleList

    found = value.get() if isinstance(value, (Handle, HandleList)) else value
    if type(found).__module__.split(".")[0] == "numpy" and getattr(found, "ndim", 0) == 1:
        found = list(found)
    return members(each.name, found)
