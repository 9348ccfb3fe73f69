"""CPU and memory of a job through google-cloud-monitoring.

On a real project it creates and deletes one custom job of seconds on n1-standard-4 (about 0.01 USD); there the
series of so short a job has no point yet.
"""

import os
import sys
import time

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1
from google.cloud import monitoring_v3 as monitoring

project = os.environ["GOOGLE_CLOUD_PROJECT"]
jobs = v1.JobServiceClient(client_options={"api_endpoint": "us-central1-aiplatform.googleapis.com"})
metrics = monitoring.MetricServiceClient()
Aggregation = monitoring.Aggregation


def say(*words):
    sys.stdout.write(" ".join(map(str, ("::", *words))) + "\n")


code = "import time\nheld = bytearray(200 * 10**6)\nend = time.time() + 3\nwhile time.time() < end: pass"
container = {"image_uri": "python:3.11", "command": ["python3", "-c", code]}
pool = {"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 1, "container_spec": container}
spec = {"worker_pool_specs": [pool, pool], "service_account": os.environ["SERVICE_ACCOUNT"]}
job = jobs.create_custom_job(
    parent=f"projects/{project}/locations/us-central1",
    custom_job={"display_name": "busy", "job_spec": spec},
)
while not jobs.get_custom_job(name=job.name).end_time:
    time.sleep(0.1)
job_id = job.name.rpartition("/")[2]
now = time.time()
interval = monitoring.TimeInterval(
    {"start_time": {"seconds": int(now) - 600}, "end_time": {"seconds": int(now) + 1}}
)


def series(metric, text="", **aggregation):
    """Return series by task name."""
    request = {
        "name": f"projects/{project}",
        "filter": f'metric.type="ml.googleapis.com/training/{metric}/utilization" AND '
        f'resource.labels.job_id="{job_id}"{text}',
        "interval": interval,
        "view": monitoring.ListTimeSeriesRequest.TimeSeriesView.FULL,
    }
    if aggregation:
        request["aggregation"] = Aggregation({"alignment_period": {"seconds": 60}, **aggregation})
    return {s.resource.labels["task_name"]: s for s in metrics.list_time_series(request=request)}


cpu, memory = series("cpu"), series("memory")
say("tasks", sorted(cpu), cpu["workerpool0-0"].resource.type)
say("busy", all(0.02 < p.value.double_value <= 0.4 for p in cpu["workerpool0-0"].points))
say("held", all(0.2 / 15 < p.value.double_value < 0.5 / 15 for p in memory["workerpool0-0"].points[:1]))
Aligner, Reducer = Aggregation.Aligner, Aggregation.Reducer
highest = series("cpu", per_series_aligner=Aligner.ALIGN_MAX)
raw = [p.value.double_value for p in cpu["workerpool1-0"].points]
say("max", max(p.value.double_value for p in highest["workerpool1-0"].points) == max(raw))
counted = series("cpu", per_series_aligner=Aligner.ALIGN_COUNT)
say("count", sum(p.value.int64_value for p in counted["workerpool1-0"].points) == len(raw))
both = series("cpu", per_series_aligner=Aligner.ALIGN_MEAN, cross_series_reducer=Reducer.REDUCE_SUM)
say("one series of two", sorted(both))
grouped = series(
    "cpu",
    per_series_aligner=Aligner.ALIGN_MEAN,
    cross_series_reducer=Reducer.REDUCE_MAX,
    group_by_fields=["resource.labels.task_name"],
)
say("grouped", sorted(grouped))
say("one task", sorted(series("cpu", ' AND resource.labels.task_name="workerpool1-0"')))
for changes in (
    {"per_series_aligner": Aligner.ALIGN_RATE},
    {"per_series_aligner": Aligner.ALIGN_MAX, "alignment_period": {"seconds": 10}},
    {"cross_series_reducer": Reducer.REDUCE_SUM},
):
    try:
        series("cpu", **changes)
    except exceptions.InvalidArgument as error:
        say("refused", error.message[:40])
jobs.delete_custom_job(name=job.name).result(timeout=60)
