"""One graph out of two systems, and findings where they disagree."""

from argovx_lab.lineage.join import join
from argovx_lab.lineage.vertex import VertexArtifact, VertexExecution, read
from argovx_lab.model.run import ArgoSide, Input, Node, Output, Phase, Run, VertexSide


def node(name, phase=Phase.SUCCEEDED, inputs=(), outputs=()):
    return Node(
        id=name,
        name=name,
        phase=phase,
        argo=ArgoSide(f"{name}-1", f"uid-{name}", f"node-{name}", "Succeeded"),
        vertex=VertexSide("projects/1/locations/l/customJobs/2"),
        inputs=tuple(Input(n, "prepare", n, digest) for n, digest in inputs),
        outputs=tuple(Output(n, digest=digest, uri=f"gs://b/{n}", state="ready") for n, digest in outputs),
    )


def artifact(name, digest):
    return VertexArtifact(f"argovx-ar-{digest}", name, digest, f"gs://b/{name}", "system.Dataset")


def execution(name, state="COMPLETE", inputs=(), outputs=(), ordinal=0):
    return VertexExecution(
        f"argovx-ex-{name}",
        name,
        f"{name}-1.{name}",
        ordinal,
        f"{name}-1",
        f"uid-{name}",
        state,
        "system.CustomJobExecution",
        tuple(artifact(*pair) for pair in inputs),
        tuple(artifact(*pair) for pair in outputs),
    )


PREPARE = node("prepare", outputs=[("X", "d1")])
TRAIN = node("train", inputs=[("X", "d1")], outputs=[("model", "d2")])
BOTH = [
    execution("prepare", outputs=[("X", "d1")]),
    execution("train", inputs=[("X", "d1")], outputs=[("model", "d2")]),
]


def run(*nodes):
    return Run(id="r", name="r", phase=Phase.SUCCEEDED, nodes=nodes)


def codes(lineage):
    return [finding.code for finding in lineage.findings]


def test_equal_digests_are_one_artifact_seen_by_both():
    lineage = join(run(PREPARE, TRAIN), BOTH)
    (shared,) = [n for n in lineage.nodes if n.digest == "d1"]
    assert shared.seen_in == ("argo", "vertex")
    assert {(e.kind, e.target == shared.id) for e in lineage.edges if shared.id in (e.source, e.target)} == {
        ("output", True),
        ("input", False),
    }
    assert codes(lineage) == []


def test_an_execution_deleted_at_vertex_is_a_finding():
    lineage = join(run(PREPARE, TRAIN), BOTH[:1])
    assert codes(lineage) == ["vertex-execution-missing"]
    assert lineage.findings[0].node == "train"
    (train,) = [n for n in lineage.nodes if n.kind == "execution" and n.step == "train"]
    assert train.seen_in == ("argo",)


def test_a_manifest_that_argo_did_not_record_is_a_finding():
    made = Node(**{**PREPARE.__dict__, "outputs": (Output("X"),)})
    assert "manifest-differs" in codes(join(run(made), [execution("prepare")]))


def test_another_state_at_vertex_is_a_finding():
    lineage = join(run(PREPARE), [execution("prepare", "FAILED", outputs=[("X", "d1")])])
    assert codes(lineage) == ["state-differs"]


def test_another_digest_at_vertex_is_two_findings():
    lineage = join(run(PREPARE), [execution("prepare", outputs=[("X", "other")])])
    assert codes(lineage) == ["vertex-output-missing", "argo-output-missing"]


def test_a_workflow_that_is_gone_is_a_finding():
    lineage = join(run(PREPARE), [BOTH[0], BOTH[1]])
    assert codes(lineage) == ["argo-node-missing"]


def test_the_newest_attempt_is_compared():
    old = execution("prepare", "FAILED")
    new = execution("prepare", outputs=[("X", "d1")], ordinal=1)
    assert codes(join(run(PREPARE), [new, old])) == []


def test_what_still_runs_is_not_judged():
    assert codes(join(run(node("train", Phase.RUNNING)), [])) == []


def test_one_step_alone():
    lineage = join(run(PREPARE, TRAIN), BOTH, "train")
    assert {n.step for n in lineage.nodes if n.kind == "execution"} == {"train"}


class Metadata:
    """ML Metadata with one execution."""

    def executions_in(self, context_id):
        if context_id != "argovx-wf-uid-train":
            return []
        noted = {"argovx_step": "train", "argo_workflow_uid": "uid-train", "argo_ordinal": 1.0}
        return [{"name": "stores/default/executions/e1", "state": "COMPLETE", "metadata": noted}]

    def inputs_and_outputs(self, execution):
        assert execution.endswith("/e1")
        return {
            "artifacts": [{"name": "stores/default/artifacts/a1", "metadata": {"argovx_digest": "d1"}}],
            "events": [
                {"artifact": "stores/default/artifacts/a1", "type": "INPUT"},
                {"artifact": "stores/default/artifacts/unknown", "type": "OUTPUT"},
            ],
        }


def test_reading_vertex():
    (found,) = read(Metadata(), ["uid-train", "uid-train", "uid-other"])
    assert (found.id, found.step, found.ordinal) == ("e1", "train", 1)
    assert [a.digest for a in found.inputs] == ["d1"]
    assert found.outputs == ()
