"""What would be done: shown by ``--dry-run``, and exactly what a submission does.

Owns the making of a StepSpec and its Workflow out of a cell. Nothing is sent while a plan is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.capture.archive import runner_archive, runner_digest
from argovx_lab.capture.arguments import Options, machine
from argovx_lab.capture.environment import python_minor
from argovx_lab.capture.source import encode_source
from argovx_lab.codecs import size_text
from argovx_lab.compile.manifest import Placement, machine_text, workflow
from argovx_lab.errors import SpecError
from argovx_lab.model import names
from argovx_lab.model.run import Cell
from argovx_lab.model.step import AUTO, MAYBE, Environment, Runner, Source, StepSpec
from argovx_lab.notebook.inputs import Bound
from argovx_lab.notebook.shown import Shown
from argovx_lab.policy.judge import StepFacts, enforce, judge
from argovx_lab.wiring import Profile, Services

Manifest = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Plan(Shown):
    """A step that is ready to be submitted.

    Parameters
    ----------
    signature : str
        As found or typed, in its canonical spelling.
    source, spec : bytes
        Documents that travel by digest.
    cache, cached : str, bool
        The cache's verdict and why; whether results that are there answer it.
    """

    signature: str
    spec: StepSpec
    source: bytes
    inputs: tuple[Bound, ...]
    manifest: Manifest
    services: Services
    notes: tuple[str, ...] = ()
    cache: str = ""
    cached: bool = False

    @property
    def name(self) -> str:
        """The step's name."""
        return self.spec.name

    @property
    def workflow(self) -> str:
        """The Workflow's name."""
        return str(self.manifest["metadata"]["name"])

    def lines(self) -> list[str]:
        """Return the plan as people read it."""
        profile, spec = self.services.profile, self.spec
        who = profile.principal
        lines = [f"plan of {self.signature}"]
        lines += [f"  in   {item.name}: {_what(item)}" for item in self.inputs] or ["  in   nothing"]
        outs = [f"  out  {name}: {_way(codec)}" for name, codec in spec.outputs.items()]
        lines += outs or ["  out  nothing"]
        lines += [
            f"  code {spec.source.digest[:12]}… · image {spec.environment.image}",
            f"  on   {machine_text(spec)} in {profile.region} · {spec.timeout_s} s · {spec.retries} retries",
            f"  as   submitter {who.account} · steps wf-{who.user} · run-as {spec.run_as}",
            f"  run  {self.manifest['metadata']['labels']['argovx.dev/run']} · profile {profile.name}",
            f"  plan {self.manifest['metadata']['annotations']['argovx.dev/plan'][:12]}…",
        ]
        if spec.environment.requirements:
            lines.append(f"  pip  {', '.join(spec.environment.requirements)}")
        lines += [f"  cache {self.cache}"] if self.cache else []
        lines += [f"  note {note}" for note in self.notes]
        return [*lines, "  nothing was sent"]


@dataclass(frozen=True)
class Draft:
    """A step as its cell has it, before profile, catalogue and policy were asked.

    Parameters
    ----------
    signature : str
        As found or typed, in its canonical spelling.
    document : dict
        The source document (``argovx.source/1``).
    outputs : dict
        Name → codec.
    run, workflow : str
        The run that it belongs to, and the name of its Workflow.
    notes : tuple of str
        What the user should know of it.
    leaking : tuple of str
        Places and kinds of secrets that the user sends knowingly; recorded with the Workflow.
    """

    name: str
    signature: str
    document: dict[str, Any]
    inputs: tuple[Bound, ...]
    outputs: Mapping[str, str]
    run: str
    workflow: str
    notes: tuple[str, ...] = ()
    leaking: tuple[str, ...] = ()

    @property
    def cell(self) -> Cell:
        """Where it stands in the notebook."""
        return Cell(self.document["notebook"], self.document["cell_id"], self.document["cell_number"])


def specify(services: Services, options: Options, draft: Draft) -> tuple[StepSpec, bytes]:
    """Return the step document of a draft, judged by the policy, and its source document.

    Raises
    ------
    SpecError
        For an unknown machine, accelerator or image.
    PolicyDenied
        When a rule refuses.
    """
    profile, layout, cell = services.profile, services.profile.layout, draft.cell
    source, digest = encode_source(draft.document)
    place = Source(
        digest,
        layout.uri(layout.object(digest)),
        cell.notebook,
        cell_id=cell.cell_id,
        cell_number=cell.number,
    )
    spec = _spec(profile, options, draft, place)
    enforce(judge(services.policy, StepFacts.of(spec, profile.user, profile.project)))
    return spec, source


def make(services: Services, options: Options, draft: Draft) -> Plan:
    """Make the plan of one step.

    Raises
    ------
    SpecError
        For an unknown machine, accelerator or image.
    PolicyDenied
        When a rule refuses.
    """
    profile, layout, cell = services.profile, services.profile.layout, draft.cell
    spec, source = specify(services, options, draft)
    manifest = workflow(
        spec,
        layout.uri(layout.object(spec.digest)),
        Placement(
            draft.workflow, profile.namespace, profile.user, draft.run, cell.notebook, services.policy.digest
        ),
        cell=cell,
        inputs=[item.about for item in draft.inputs],
    )
    if draft.leaking:
        manifest["metadata"]["annotations"][names.ANNOTATION_SECRETS] = "; ".join(draft.leaking)
    return Plan(draft.signature, spec, source, draft.inputs, manifest, services, draft.notes)


def _spec(profile: Profile, options: Options, draft: Draft, source: Source) -> StepSpec:
    """Return the step document: what was typed, completed by the profile and this kernel."""
    layout = profile.layout
    return StepSpec(
        name=draft.name,
        source=source,
        environment=Environment(
            image=image(options.image, profile.images),
            requirements=options.requirements,
            python=python_minor(),
        ),
        runner=Runner(runner_digest(), layout.uri(layout.object(runner_digest()))),
        run_as=profile.run_as,
        inputs={item.name: item.ref for item in draft.inputs},
        outputs=dict(draft.outputs),
        machine=machine(options),
        **_limits(options),
    )


def send(plan: Plan) -> None:
    """Upload the documents of a plan, by digest; its inputs are sent by ``inputs.send``."""
    objects, layout = plan.services.objects, plan.services.profile.layout
    for content in (runner_archive(), plan.source, plan.spec.encode()):
        objects.create_content(layout, content)


def image(named: str, allowed: tuple[str, ...]) -> str:
    """Return the image to use.

    Raises
    ------
    SpecError
        When the profile does not allow it.
    """
    import difflib
    from fnmatch import fnmatchcase

    if not named:
        return allowed[0]
    if any(fnmatchcase(named, pattern) for pattern in allowed):
        return named
    near = difflib.get_close_matches(named, allowed, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]}?" if near else f"Allowed are: {', '.join(allowed)}."
    raise SpecError(f"image {named!r} is not one of the profile's", hint=hint)


def _limits(options: Options) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if options.timeout_s is not None:
        limits["timeout_s"] = options.timeout_s
    if options.retries is not None:
        limits["retries"] = options.retries
        limits["retry_failures"] = options.retries > 0
    return limits


def _way(codec: str) -> str:
    return f"{AUTO}, left out if it cannot travel" if codec == MAYBE else codec


def _what(item: Bound) -> str:
    ref = item.ref
    parts = [item.summary, size_text(ref.size_bytes) if ref.size_bytes else "", f"{ref.digest[:12]}…"]
    return " · ".join(part for part in parts if part)
