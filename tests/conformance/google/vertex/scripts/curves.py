"""Time series through the high-level SDK, with the default TensorBoard. Creates and deletes one experiment, and one
TensorBoard instance that stays the default (free below 10 GB).

Usage: curves.py grpc|rest
"""

import os
import sys

from google.api_core import exceptions
from google.cloud import aiplatform
from google.cloud import aiplatform_v1 as v1

transport = sys.argv[1]
name = f"curves-{transport}"
project = os.environ["GOOGLE_CLOUD_PROJECT"]


def say(*words):
    sys.stdout.write(" ".join(map(str, ("::", *words))) + "\n")


# nothing but the experiment: the SDK finds the rest, and makes the default TensorBoard
aiplatform.init(
    project=project,
    location="us-central1",
    experiment=name,
    api_transport="rest" if transport == "rest" else None,
)
aiplatform.start_run("first")
for step in range(5):
    aiplatform.log_time_series_metrics({"loss": 1.0 / (step + 1)}, step=step + 1)
aiplatform.log_time_series_metrics({"loss": 0.1, "accuracy": 0.9})
aiplatform.end_run()
frame = aiplatform.ExperimentRun("first", experiment=name).get_time_series_data_frame()
say("columns", sorted(frame.columns), len(frame), round(float(frame["loss"].min()), 3))

board = aiplatform.Experiment(name).get_backing_tensorboard_resource()
say("board", board.gca_resource.is_default)
client = v1.TensorboardServiceClient(
    transport=transport, client_options={"api_endpoint": "us-central1-aiplatform.googleapis.com"}
)
run = f"{board.resource_name}/experiments/{name}/runs/first"
series = list(client.list_tensorboard_time_series(request={"parent": run, "filter": 'display_name="loss"'}))
say("series", [(s.display_name, s.value_type.name, s.metadata.max_step) for s in series])


def steps(data):
    return [point.step for point in data.values]


read = {"tensorboard_time_series": series[0].name}
found = client.read_tensorboard_time_series_data(request={**read, "max_data_points": 3}).time_series_data
say("three points", steps(found))
found = client.read_tensorboard_time_series_data(request={**read, "filter": "step > 4"}).time_series_data
say("late points", steps(found))
pages = list(client.export_tensorboard_time_series_data(request={**read, "page_size": 4}).pages)
say("export", [len(page.time_series_data_points) for page in pages])
value = {"scalar": {"value": 7.0}, "step": 2, "wall_time": {"seconds": 1}}
data = {
    "tensorboard_time_series_id": series[0].name.rpartition("/")[2],
    "value_type": "SCALAR",
    "values": [value],
}
client.write_tensorboard_run_data(tensorboard_run=run, time_series_data=[data])
batch = {"tensorboard": board.resource_name, "time_series": [series[0].name]}
found = client.batch_read_tensorboard_time_series_data(request=batch).time_series_data[0]
say("overwritten", len(found.values), [point.scalar.value for point in found.values if point.step == 2])
try:
    client.create_tensorboard_time_series(
        parent=run, tensorboard_time_series={"display_name": "loss", "value_type": "SCALAR"}
    )
except (exceptions.AlreadyExists, exceptions.Conflict):
    say("already exists")
try:
    client.create_tensorboard_run(
        parent=f"{board.resource_name}/experiments/none", tensorboard_run={}, tensorboard_run_id="x"
    )
except exceptions.NotFound:
    say("not found")
made = client.batch_create_tensorboard_runs(
    parent=f"{board.resource_name}/experiments/{name}",
    requests=[
        {"tensorboard_run_id": f"b{n}", "tensorboard_run": {"display_name": f"b{n}"}} for n in range(2)
    ],
)
say("batch", [r.display_name for r in made.tensorboard_runs])
changed = client.update_tensorboard_run(
    tensorboard_run={"name": made.tensorboard_runs[0].name, "description": "d"},
    update_mask={"paths": ["description"]},
)
say("updated", changed.display_name, changed.description)

aiplatform.Experiment(name).delete(delete_backing_tensorboard_runs=True)
board.delete()
try:
    client.get_tensorboard_time_series(name=series[0].name)
except exceptions.NotFound:
    say("deleted")
