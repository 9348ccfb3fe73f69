"""The lineage of a job of no step: what people recorded of it, and nothing of other jobs."""

from argovx_lab.errors import NotFound
from argovx_lab.lineage.job import of_job
from argovx_lab.model.run import Node, Phase, VertexSide

STORE = "projects/7/locations/us-central1/metadataStores/default"
NAME = "projects/7/locations/us-central1/customJobs/42"
JOB = {
    "name": NAME,
    "createTime": "2026-11-24T08:00:00Z",
    "jobSpec": {"experiment": f"{STORE}/contexts/e", "experimentRun": f"{STORE}/contexts/e-r"},
}
NODE = Node(
    "job", "train", Phase.SUCCEEDED, vertex=VertexSide(NAME, "JOB_STATE_SUCCEEDED"), attempt_uri="gs://b/out"
)


class Metadata:
    """A metadata store in memory: executions with inputs and outputs by artifact id."""

    def __init__(self):
        self.executions = {}
        self.artifacts = {}
        self.context = []

    def execution(self, name, inputs=(), outputs=(), recent=True, **noted):
        self.executions[name] = (
            {
                "name": f"{STORE}/executions/{name}",
                "displayName": name,
                "metadata": noted,
                "state": "COMPLETE",
            },
            inputs,
            outputs,
            recent,
        )

    def artifact(self, name, uri):
        self.artifacts[name] = {"name": f"{STORE}/artifacts/{name}", "displayName": name, "uri": uri}

    def executions_in(self, context_id):
        assert context_id == "e-r"
        return [self.executions[name][0] for name in self.context]

    def inputs_and_outputs(self, execution):
        _, inputs, outputs, _ = self.executions[execution.rpartition("/")[2]]
        names = [(name, "INPUT") for name in inputs] + [(name, "OUTPUT") for name in outputs]
        events = [{"artifact": self.artifacts[name]["name"], "type": kind} for name, kind in names]
        return {"artifacts": [self.artifacts[name] for name, _ in names], "events": events}

    def around_artifact(self, artifact):
        name = artifact.rpartition("/")[2]
        return {
            "executions": [doc for doc, ins, outs, _ in self.executions.values() if name in (*ins, *outs)]
        }

    def find(self, kind, filter_text="", *, order_by=""):
        assert (filter_text, order_by) == ('create_time>="2026-11-24T08:00:00Z"', "create_time desc")
        if kind == "artifacts":
            return iter(self.artifacts.values())
        return iter([doc for doc, _, _, recent in self.executions.values() if recent])


def edges(lineage):
    names = {node.id: node.name for node in lineage.nodes}
    return sorted((names[edge.source], edge.kind, names[edge.target]) for edge in lineage.edges)


def test_a_bare_job_is_alone():
    lineage = of_job(Metadata(), JOB, NODE)
    assert [(node.name, node.kind, node.seen_in, node.step) for node in lineage.nodes] == [
        ("train", "execution", ("vertex",), "job")
    ]
    assert (lineage.edges, lineage.findings) == ((), ())


def test_a_project_without_a_metadata_store():
    class Nothing(Metadata):
        def find(self, kind, filter_text="", *, order_by=""):
            raise NotFound("there is no metadata store")
            yield

    assert len(of_job(Nothing(), JOB, NODE).nodes) == 1


def test_an_execution_that_names_the_job_is_the_job():
    metadata = Metadata()
    metadata.artifact("data", "gs://b/in")
    metadata.artifact("weights", "gs://elsewhere/model")
    metadata.execution("by number", ["data"], ["weights"], job="42")
    metadata.execution("by name", [], ["weights"], resourceName="projects/other/locations/r/customJobs/42")
    metadata.execution("of another", ["data"], [], job="420")
    lineage = of_job(metadata, JOB, NODE)
    assert edges(lineage) == [("data", "input", "train"), ("train", "output", "weights")]


def test_what_lies_in_the_jobs_folder_is_its_output():
    metadata = Metadata()
    metadata.artifact("weights", "gs://b/out/model/model.txt")
    metadata.artifact("beside", "gs://b/output/model.txt")
    lineage = of_job(metadata, JOB, NODE)
    assert edges(lineage) == [("train", "output", "weights")]


def test_who_used_or_made_what_lies_there():
    metadata = Metadata()
    metadata.artifact("weights", "gs://b/out/model")
    metadata.execution("evaluate", ["weights"], [])
    assert edges(of_job(metadata, JOB, NODE)) == [
        ("train", "output", "weights"),
        ("weights", "input", "evaluate"),
    ]
    metadata.execution("copy", [], ["weights"])
    assert ("train", "output", "weights") not in edges(of_job(metadata, JOB, NODE))


def test_executions_of_its_experiment_run():
    metadata = Metadata()
    metadata.artifact("data", "gs://b/in")
    metadata.execution("prepare", [], ["data"], recent=False)
    metadata.context.append("prepare")
    assert edges(of_job(metadata, JOB, NODE)) == [("prepare", "output", "data")]
