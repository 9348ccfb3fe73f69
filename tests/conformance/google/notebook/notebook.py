"""A day of a data scientist with the Vertex SDK: experiment, training job, curves, lineage, a table of runs.

On a real project it creates and deletes one experiment with two runs, one TensorBoard instance (free), two
custom jobs of about five minutes on n1-standard-4 (about 0.04 USD), seven small objects below $STAGING, one artifact and
one execution of ML Metadata.
"""

# ruff: noqa: T201
import os
import sys

import google.auth
from google.cloud import aiplatform, storage

_, project = google.auth.default()
staging, account = os.environ["STAGING"], os.environ["SERVICE_ACCOUNT"]
aiplatform.init(
    project=project,
    location="us-central1",
    staging_bucket=staging,
    experiment="penguins",
    experiment_description="do penguins learn?",
)

# two runs, compared
for depth in (2, 4):
    with aiplatform.start_run(f"depth-{depth}"):
        aiplatform.log_params({"depth": depth, "kind": "tree"})
        for step in range(1, 4):
            aiplatform.log_time_series_metrics({"accuracy": 1 - 1 / (depth * step)}, step=step)
        aiplatform.log_metrics({"accuracy": 1 - 1 / (3 * depth)})
frame = aiplatform.get_experiment_df("penguins")
print("runs", sorted(frame["run_name"]), sorted(round(float(a), 3) for a in frame["metric.accuracy"]))
print("columns", sorted(c for c in frame.columns if not c.startswith("experiment")))
curve = aiplatform.ExperimentRun("depth-4", experiment="penguins").get_time_series_data_frame()
print("curve", [round(float(a), 3) for a in curve["accuracy"]])

# a training job from a local script, with TensorBoard
board = aiplatform.Tensorboard.create(display_name="penguins")
job = aiplatform.CustomJob.from_local_script(
    display_name="train penguins",
    script_path=os.path.join(os.path.dirname(__file__), "train.py"),
    container_uri="us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest",
    args=["--epochs=5"],
    environment_variables={"FLAVOUR": "emperor"},
    requirements=["google-cloud-storage"],
    machine_type="n1-standard-4",
    labels={"team": "penguins"},
)
job.run(service_account=account, tensorboard=board.resource_name, sync=True)
print("job", job.state.name)
job_id = job.resource_name.rpartition("/")[2]
runs = aiplatform.TensorboardRun.list(f"{board.resource_name}/experiments/{job_id}")
print("tensorboard", [run.display_name for run in runs])
data = runs[0].read_time_series_data()
print("loss", [round(point.scalar.value, 3) for point in data["loss"].values])
output = job.job_spec.base_output_directory.output_uri_prefix
model = f"{output}/model/model.txt"
bucket, _, name = model.removeprefix("gs://").partition("/")
print("model", storage.Client().bucket(bucket).blob(name).download_as_text())

# a second training, under one of the experiment's runs
again = aiplatform.CustomJob.from_local_script(
    display_name="train penguins under depth-4",
    script_path=os.path.join(os.path.dirname(__file__), "train.py"),
    container_uri="us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest",
    args=["--epochs=2"],
    environment_variables={"FLAVOUR": "adelie"},
    requirements=["google-cloud-storage"],
    machine_type="n1-standard-4",
    labels={"team": "penguins"},
)
again.run(service_account=account, experiment="penguins", experiment_run="depth-4", sync=True)
print("under", again.job_spec.experiment_run.rpartition("/")[2], again.state.name)

# lineage
credentials = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])[0]
weights = aiplatform.Artifact.create(
    schema_title="system.Model", uri=model, display_name="weights", metadata={"job": job_id}
)
training = aiplatform.Execution.create(
    schema_title="system.CustomJobExecution",
    display_name="training",
    metadata={"job": job_id},
    credentials=credentials,
)
training.assign_output_artifacts([weights])
training.update(state=aiplatform.gapic.Execution.State.COMPLETE)
print("lineage", [artifact.display_name for artifact in training.get_output_artifacts()])

if "--keep" not in sys.argv:
    weights.delete()
    training.delete()
    job.delete()
    again.delete()
    board.delete()
    aiplatform.Experiment("penguins").delete(delete_backing_tensorboard_runs=True)
    print("left", [e.name for e in aiplatform.Experiment.list()])
