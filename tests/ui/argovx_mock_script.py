"""The runs of the mock as a function of time: pure, so that any moment can be looked at."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from argovx_lab.model.detail import StepDocument, StepEvent, StepEvents
from argovx_lab.model.lineage import Finding, Lineage, LineageEdge, LineageNode
from argovx_lab.model.run import (
    ArgoSide,
    Attempt,
    Cell,
    Edge,
    Execution,
    Exit,
    Input,
    Node,
    Output,
    Phase,
    Run,
    Stop,
    Times,
    VertexSide,
    to_json,
)

EPOCH_START = datetime.now(UTC)
NOTE = "ran on this machine, no T4, no charge"
NOTE_NOW = "runs on this machine, no T4, no charge"
NOTEBOOK = "00-first-step.ipynb"
PROJECT = "argovx-sandbox"
FINAL = {Phase.SUCCEEDED, Phase.FAILED, Phase.STOPPED, Phase.SKIPPED, Phase.CACHED}


def at(seconds: float) -> str:
    """RFC 3339 of a moment of the script."""
    return (EPOCH_START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def digest(name: str) -> str:
    """A stable fake digest."""
    import hashlib

    return hashlib.sha256(name.encode()).hexdigest()


class Step:
    """A step of the script: when each part begins, and what it says."""

    def __init__(
        self, name: str, start: float, queue: float, provision: float, run: float, **extra: Any
    ) -> None:
        self.name, self.start = name, start
        self.q, self.p, self.r = start, start + queue, start + queue + provision
        self.u, self.end = self.r + run, self.r + run + 2
        self.extra = extra

    def phase(self, t: float) -> Phase:
        if t < self.start:
            return Phase.PLANNED
        for limit, phase in (
            (self.p, Phase.QUEUED),
            (self.r, Phase.PROVISIONING),
            (self.u, Phase.RUNNING),
            (self.end, Phase.UPLOADING),
        ):
            if t < limit:
                return phase
        return self.extra.get("ends", Phase.SUCCEEDED)


def clock(seconds: float) -> str:
    """m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def line_of(step: Step, phase: Phase, t: float) -> str:
    """The second line of the card."""
    epochs = step.extra.get("epochs", 0)
    if phase is Phase.PLANNED:
        return (
            "after " + ", ".join(step.extra.get("after", ())) if step.extra.get("after") else "ready to run"
        )
    if phase is Phase.QUEUED:
        return ""
    if phase is Phase.PROVISIONING:
        return f"starting {step.extra.get('machine', 'n1-standard-4')}"
    if phase is Phase.RUNNING and epochs:
        done = int((t - step.r) / (step.u - step.r) * epochs)
        return f"epoch {done}/{epochs} · loss {2.3 * math.exp(-done / 6):.2f}"
    if phase is Phase.RUNNING:
        return ""
    if phase is Phase.UPLOADING:
        return "writing " + ", ".join(step.extra.get("outputs", ("result",)))
    if phase is Phase.FAILED:
        return "KeyError: 'label' · cell 7, line 12"
    if phase is Phase.SUCCEEDED:
        return f"{clock(step.end - step.start)} · {len(step.extra.get('outputs', ()))} outputs"
    if phase is Phase.STOPPED:
        return "by ada"
    if phase is Phase.CACHED:
        return "same code and data as run k2, 2 days ago"
    if phase is Phase.SKIPPED:
        return "when: accuracy > 0.9 was false"
    return ""


STATES = {
    Phase.QUEUED: ("Pending", ""),
    Phase.PROVISIONING: ("Running", "JOB_STATE_PENDING"),
    Phase.RUNNING: ("Running", "JOB_STATE_RUNNING"),
    Phase.UPLOADING: ("Running", "JOB_STATE_RUNNING"),
    Phase.SUCCEEDED: ("Succeeded", "JOB_STATE_SUCCEEDED"),
    Phase.FAILED: ("Failed", "JOB_STATE_FAILED"),
    Phase.STOPPED: ("Failed", "JOB_STATE_CANCELLED"),
    Phase.CACHED: ("Succeeded", ""),
    Phase.SKIPPED: ("Skipped", ""),
}
TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "01-a-failing-step.ipynb, cell 7", line 12, in <module>',
    '    y = frame["label"]',
    "        ~~~~~^^^^^^^^^",
    "KeyError: 'label'",
)


def node(run: str, step: Step, t: float, number: int, verb: str = "") -> Node:
    """The node of a step at time ``t``."""
    phase = step.phase(t)
    if verb == "stop" and phase not in FINAL and phase is not Phase.PLANNED:
        phase = Phase.STOPPED
    final = phase in FINAL
    times = (
        Times()
        if phase is Phase.PLANNED
        else Times(
            queued_at=at(step.q),
            provisioning_at=at(step.p) if t >= step.p else None,
            running_at=at(step.r) if t >= step.r else None,
            uploading_at=at(step.u) if t >= step.u else None,
            finished_at=at(min(t, step.end)) if final else None,
        )
    )
    argo, state = STATES.get(phase, ("", ""))
    epochs = step.extra.get("epochs", 0)
    done = int((t - step.r) / (step.u - step.r) * epochs) if epochs else 0
    ready = phase in (Phase.SUCCEEDED, Phase.CACHED)
    outputs = tuple(
        Output(
            name,
            *SUMMARIES.get(name, ("json", "int", 12)),
            digest(name) if ready else "",
            f"gs://{PROJECT}/users/ada/runs/4f/{step.name}/0/out/{name}/" if ready else "",
            "ready" if ready else "declared",
        )
        if ready
        else Output(name, "auto")
        for name in step.extra.get("outputs", ())
    )
    failed = phase is Phase.FAILED
    actions = ["open", "cell"]
    if phase is not Phase.PLANNED:
        actions += ["logs"]
        actions += ["retry"] if final else ["stop"]
    return Node(
        id=step.name,
        name=step.name,
        phase=phase,
        line=line_of(step, phase, t),
        message="the cell raised KeyError: 'label'" if failed else "",
        hint="Fix the cell and run it again; finished steps are reused." if failed else "",
        argo=None
        if phase is Phase.PLANNED
        else ArgoSide(
            f"{run}-{step.name}-w8x2q",
            digest(run)[:8] + "-aa",
            f"{run}-{step.name}-1823",
            argo,
            pod=f"{run}-{step.name}-pod-311",
            attempts=step.extra.get("attempts", 1),
        ),
        vertex=VertexSide(
            f"projects/482913/locations/us-central1/customJobs/77{number}1234",
            state,
            "",
            "https://console.cloud.google.com/vertex-ai/training/x",
        )
        if state
        else None,
        times=times,
        progress=(min(done, epochs), epochs) if epochs and phase is Phase.RUNNING else None,
        machine=step.extra.get("machine", "n1-standard-4"),
        cell=Cell(step.extra.get("notebook", NOTEBOOK), f"cell-{step.name}", number),
        inputs=tuple(
            Input(name, source, name, digest(name), SUMMARIES.get(name, ("json",))[0], 9182)
            for source, name in step.extra.get("inputs", ())
        ),
        outputs=outputs,
        metrics={
            "loss": round(2.3 * math.exp(-done / 6), 4),
            "accuracy": round(1 - 0.8 * math.exp(-done / 5), 4),
        }
        if epochs and t >= step.r
        else {},
        exit=Exit(1, "user code failed", "KeyError: 'label'", "cell 7, line 12", TRACEBACK)
        if failed
        else (Exit(0, "outputs verified") if ready else None),
        attempts=attempts_of(step, phase, t),
        stop=Stop("Stop", "ada", at(t)) if phase is Phase.STOPPED else None,
        history=(Execution("first-step-old", Phase.FAILED, at(-900), "KeyError: 'label'", at(-960)),)
        if step.extra.get("attempts")
        else (),
        attempt_uri=f"gs://{PROJECT}/users/ada/runs/4f/{step.name}/0-9f3a/"
        if phase is not Phase.PLANNED
        else "",
        actions=tuple(actions),
    )


def attempts_of(step: Step, phase: Phase, t: float) -> tuple[Attempt, ...]:
    """Argo's attempts: all but the last were killed."""
    many = step.extra.get("attempts", 1)
    if phase is Phase.PLANNED:
        return ()
    lost = [
        Attempt(i + 1, Phase.FAILED, at(step.q + i), at(step.q + i + 1), "the pod was deleted")
        for i in range(many - 1)
    ]
    end = at(step.end) if phase in FINAL else None
    return (*lost, Attempt(many, phase, at(step.q + many - 1), end))


def events_of(run_id: str, name: str, t: float) -> StepEvents:
    """What was said of a step until ``t``."""
    step = _step(run_id, name)
    if step is None:
        return StepEvents()
    lines = (
        (step.q, "argo", "created", f"Workflow {run_id} · submitted by ada", 0),
        (step.q + 0.4, "argo", "started", f"pod {run_id}-{name}-pod-311", 1),
        (
            step.q + 0.8,
            "launcher",
            "claimed",
            f"writes to gs://{PROJECT}/users/ada/runs/4f/{name}/0-9f3a/",
            1,
        ),
        (step.p, "launcher", "created", "custom job 7711234", 1),
        (step.p, "vertex", "created", "custom job 7711234", 1),
        (step.r, "runner", "opened", "Python 3.11.7 · process 71", 1),
        (step.r + 0.1, "runner", "phase", "running", 1),
        (min(t, step.u), "runner", "metric", "loss 0.31 · accuracy 0.93 · step 19", 1),
        (step.u, "runner", "phase", "uploading", 1),
        (step.end, "argo", step.extra.get("ends", Phase.SUCCEEDED).value, "", 1),
    )
    said = [
        StepEvent(at(when), *rest, 20 if rest[1] == "metric" else 1) for when, *rest in lines if when <= t
    ]
    return StepEvents(run_id, tuple(said))


def spec_of(run_id: str, name: str) -> StepDocument:
    """A step as it was submitted."""
    given = {
        "spec": f"gs://{PROJECT}/users/ada/objects/sha256/{digest(name)[:2]}/{digest(name)}",
        "spec-digest": digest(name),
        "inputs": "{}",
        "kind": "custom_job",
        "image": "us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest",
        "machine-type": "n1-standard-8",
        "accelerator": "NVIDIA_TESLA_T4",
        "accelerator-count": "1",
        "timeout": "7200",
        "retries": "2",
        "run-as": f"u-ada@{PROJECT}.iam.gserviceaccount.com",
    }
    return StepDocument(
        run_id, digest(run_id)[:8], "argovx", "ada", "", "wf-ada", digest("policy"), at(0), given, "{}"
    )


SUMMARIES: dict[str, tuple[str, str, int]] = {
    "X": ("numpy", "numpy array, 1797×64", 920_128),
    "y": ("numpy", "numpy array, 1797", 14_504),
    "model": ("skops", "sklearn.LogisticRegression", 12_204),
    "validation_features_after_scaling_v2": ("numpy", "numpy array, 450×64", 230_528),
    "report": ("pandas", "DataFrame, 10×4", 3_180),
    "accuracy": ("json", "0.9711", 6),
}

FIRST = [
    Step("prepare", 1, 2, 3, 8, outputs=("X", "y", "validation_features_after_scaling_v2")),
    Step(
        "train",
        16,
        3,
        8,
        90,
        after=("prepare",),
        inputs=(("prepare", "X"), ("prepare", "y"), ("prepare", "validation_features_after_scaling_v2")),
        outputs=("model", "confusion_matrix_of_every_epoch"),
        epochs=20,
        machine="n1-standard-8 + T4",
        attempts=2,
    ),
    Step(
        "evaluate",
        120,
        2,
        3,
        12,
        after=("train",),
        inputs=(("train", "model"), ("prepare", "X"), ("prepare", "y")),
        outputs=("report", "accuracy"),
    ),
]


def overall(nodes: list[Node]) -> Phase:
    """The phase of a run."""
    phases = [item.phase for item in nodes]
    for phase in (
        Phase.FAILED,
        Phase.WAITING,
        Phase.RUNNING,
        Phase.UPLOADING,
        Phase.PROVISIONING,
        Phase.QUEUED,
        Phase.STOPPED,
    ):
        if phase in phases:
            return phase
    return Phase.SUCCEEDED if all(p in FINAL for p in phases) else Phase.RUNNING


def build(
    name: str, steps: list[Step], t: float, created: float, verbs: dict[tuple[str, str], str], **extra: Any
) -> Run:
    """One run at time ``t``."""
    nodes = [node(name, step, t, i + 1, verbs.get((name, step.name), "")) for i, step in enumerate(steps)]
    if extra.pop("real_only", False):
        nodes = [item for item in nodes if item.phase is not Phase.PLANNED]
    ids = {item.id for item in nodes}
    by: dict[tuple[str, str], list[str]] = {}
    for step in steps:
        for source, value in step.extra.get("inputs", ()):
            by.setdefault((source, step.name), []).append(value)
    phase = overall(nodes) if nodes else Phase.QUEUED
    counts: dict[str, int] = {}
    for item in nodes:
        counts[item.phase.value] = counts.get(item.phase.value, 0) + 1
    return Run(
        id=name,
        name=name,
        phase=phase,
        revision=int(t * 10) + len(verbs) + 1,
        notebook=extra.get("notebook", NOTEBOOK),
        user="ada",
        profile="sandbox",
        namespace="argovx",
        created_at=at(created),
        finished_at=max((item.times.finished_at or "" for item in nodes), default="") or None
        if phase in FINAL
        else None,
        note=NOTE if phase in FINAL else NOTE_NOW,
        nodes=tuple(nodes),
        edges=tuple(Edge(a, b, tuple(v)) for (a, b), v in by.items() if a in ids and b in ids),
        counts=counts,
        actions=("open", "stop") if phase not in FINAL else ("open",),
    )


def failing() -> list[Step]:
    old = -4000.0
    return [
        Step("prepare", old, 2, 3, 8, outputs=("X", "y"), notebook="01-a-failing-step.ipynb"),
        Step(
            "label_digits",
            old + 20,
            2,
            3,
            8,
            ends=Phase.FAILED,
            after=("prepare",),
            inputs=(("prepare", "X"),),
            outputs=("labels",),
            notebook="01-a-failing-step.ipynb",
        ),
        Step(
            "evaluate",
            old + 40,
            0,
            0,
            0,
            ends=Phase.SKIPPED,
            after=("label_digits",),
            inputs=(("label_digits", "labels"),),
            notebook="01-a-failing-step.ipynb",
        ),
    ]


def nightly(width: int, prefix: str, start: float) -> list[Step]:
    """A fan-out and fan-in."""
    out = [
        Step("load", start, 2, 3, 30, outputs=("X", "y")),
        Step(
            "split",
            start + 40,
            2,
            3,
            10,
            inputs=(("load", "X"), ("load", "y")),
            outputs=("folds",),
            ends=Phase.CACHED,
        ),
    ]
    out += [
        Step(
            f"{prefix}-{i:03d}",
            start + 60 + i % 7,
            2,
            20,
            60 + i % 11,
            inputs=(("split", "folds"), ("load", "y")),
            outputs=(f"m{i}",),
            ends=Phase.FAILED if i % 97 == 41 else Phase.SUCCEEDED,
        )
        for i in range(width)
    ]
    out.append(
        Step(
            "choose_the_best_model_of_all_folds",
            start + 200,
            2,
            3,
            30,
            inputs=tuple((f"{prefix}-{i:03d}", f"m{i}") for i in range(width)),
            outputs=("model",),
        )
    )
    out.append(
        Step(
            "evaluate",
            start + 260,
            2,
            3,
            30,
            inputs=(("choose_the_best_model_of_all_folds", "model"), ("load", "X")),
            outputs=("report", "accuracy"),
        )
    )
    return out


NIGHTLY = nightly(6, "fold", -86_400)
SWEEP = nightly(400, "trial", -120)
FAILING = failing()


def SCRIPT(t: float, verbs: dict[tuple[str, str], str]) -> list[Run]:  # noqa: N802
    """Every run at time ``t`` of the script."""
    return [
        build("first-step-x7k2", FIRST, t, 0, verbs, real_only=True),
        build("first-step-p0q1", FAILING, t, -4000, verbs, notebook="01-a-failing-step.ipynb"),
        build("digits-nightly", NIGHTLY, t, -86_400, verbs, notebook="nightly.ipynb"),
        build("learning-rate-sweep", SWEEP, t, -130, verbs, notebook="sweep.ipynb"),
    ]


def _step(run_id: str, name: str) -> Step | None:
    steps = {"first-step-x7k2": FIRST, "first-step-p0q1": FAILING, "digits-nightly": NIGHTLY}.get(
        run_id, SWEEP
    )
    return next((step for step in steps if step.name == name), None)


def logs_of(run_id: str, name: str, t: float) -> tuple[str, bool]:
    """All log text until ``t``, and whether there will be more."""
    step = _step(run_id, name)
    if step is None:
        return "", True
    lines = ["loading inputs", "X: numpy array, 1797×64", "starting cell"]
    epochs = step.extra.get("epochs", 10)
    done = max(0, int((min(t, step.u) - step.r) / (step.u - step.r + 1e-9) * epochs * 4))
    lines += [
        f"epoch {i // 4 + 1}/{epochs} batch {i % 4 + 1}/4 \x1b[32mloss {2.3 * math.exp(-i / 24):.4f}\x1b[0m"
        for i in range(done)
    ]
    if step.phase(t) is Phase.FAILED:
        lines += TRACEBACK
    return "".join(f"{line}\n" for line in lines), step.phase(t) in FINAL


def metrics_of(run_id: str, name: str, t: float) -> dict[str, list[list[Any]]]:
    """Every logged point until ``t``."""
    step = _step(run_id, name)
    if step is None or not step.extra.get("epochs") or t < step.r:
        return {}
    done = int((min(t, step.u) - step.r) / (step.u - step.r) * step.extra["epochs"] * 5)
    wave = [math.sin(i * 1.7) * 0.04 for i in range(done)]
    return {
        "loss": [[i, 2.3 * math.exp(-i / 30) + abs(wave[i]), at(step.r + i)] for i in range(done)],
        "accuracy": [[i, 1 - 0.8 * math.exp(-i / 25) + wave[i] / 3, at(step.r + i)] for i in range(done)],
        "lr": [[i, 0.1 * 0.97**i, at(step.r + i)] for i in range(done)],
    }


_HEAD = re.compile(r"%%vertex_step\s+(\w+)(?:\(([^)]*)\))?(?:\s*->\s*([\w, ]+))?")


def plan_of(path: str, content: dict[str, Any]) -> dict[str, Any]:
    """Planned steps by a regular expression: enough for a mock."""
    nodes, edges, made, number = [], [], {}, 0
    problems = []
    for cell in content.get("cells", []):
        if cell.get("cell_type") != "code":
            continue
        number += 1
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        match = _HEAD.match(source)
        if not match:
            if source.startswith("%%vertex_step"):
                problems.append(
                    {
                        "cell": cell.get("id", ""),
                        "message": "a step needs a name",
                        "hint": "Write %%vertex_step NAME.",
                    }
                )
            continue
        name = match[1]
        inputs = [word.strip() for word in (match[2] or "").split(",") if word.strip()]
        outputs = [word.strip() for word in (match[3] or "").split(",") if word.strip()]
        after = sorted({made[item] for item in inputs if item in made})
        line = "after " + ", ".join(after) if after else "ready to run"
        nodes.append(
            to_json(
                Node(
                    name,
                    name,
                    Phase.PLANNED,
                    line=line,
                    cell=Cell(path, cell.get("id", ""), number),
                    outputs=tuple(Output(o, "auto") for o in outputs),
                    actions=("open", "cell"),
                )
            )
        )
        edges += [
            to_json(Edge(step, name, tuple(i for i in inputs if made.get(i) == step))) for step in after
        ]
        made.update(dict.fromkeys(outputs, name))
    return {"nodes": nodes, "edges": edges, "problems": problems}


def lineage_of(run: Run, name: str) -> Lineage:
    """Artifacts and executions of a run; the execution of ``prepare`` is missing at Vertex."""
    nodes: dict[str, LineageNode] = {}
    edges = []
    for item in run.nodes:
        if item.phase is Phase.PLANNED:
            continue
        nodes[f"e-{item.id}"] = LineageNode(
            f"e-{item.id}",
            "execution",
            item.id,
            ("argo",) if item.id == "prepare" else ("argo", "vertex"),
            step=item.id,
            workflow=run.id,
            state=item.phase.value,
            schema_title="system.Run",
        )
        for value in item.inputs:
            key = f"a-{value.name}"
            nodes.setdefault(
                key,
                LineageNode(
                    key,
                    "artifact",
                    value.name,
                    ("argo", "vertex"),
                    value.digest,
                    f"gs://{PROJECT}/x/{value.name}",
                    value.step,
                    run.id,
                    schema_title="system.Dataset",
                ),
            )
            edges.append(LineageEdge(key, f"e-{item.id}", "input"))
        for made in item.outputs:
            key = f"a-{made.name}"
            nodes[key] = LineageNode(
                key,
                "artifact",
                made.name,
                ("argo", "vertex"),
                made.digest,
                made.uri,
                item.id,
                run.id,
                made.state,
                "system.Model" if made.name == "model" else "system.Dataset",
            )
            edges.append(LineageEdge(f"e-{item.id}", key, "output"))
    findings = (
        Finding(
            "execution-missing",
            "Vertex ML Metadata has no execution for prepare; Argo ran it.",
            "It was deleted, or the launcher died before it wrote lineage. Retry the step to write it again.",
            "e-prepare",
        ),
    )
    return Lineage(tuple(nodes.values()), tuple(edges), findings)
