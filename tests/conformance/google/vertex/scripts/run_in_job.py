"""A job that belongs to an experiment's run, as ``submit(experiment=, experiment_run=)`` makes it.

On a real project it creates and deletes one experiment with one run, and one custom job of seconds on
n1-standard-4 (about 0.01 USD).

Usage: run_in_job.py grpc|rest
"""

import os
import sys

from google.cloud import aiplatform

transport = sys.argv[1]
name = f"in-job-{transport}"
aiplatform.init(
    project=os.environ["GOOGLE_CLOUD_PROJECT"],
    location="us-central1",
    staging_bucket=f"gs://{os.environ['LAB_BUCKET']}",
    experiment=name,
    experiment_tensorboard=False,
    api_transport="rest" if transport == "rest" else None,
)


def say(*words):
    sys.stdout.write(" ".join(map(str, ("::", *words))) + "\n")


aiplatform.start_run("r1")
aiplatform.end_run()
pool = {
    "machine_spec": {"machine_type": "n1-standard-4"},
    "replica_count": 1,
    "container_spec": {"image_uri": "python:3.11", "command": ["python3", "-c", "print('in a run')"]},
}
job = aiplatform.CustomJob(display_name="in a run", worker_pool_specs=[pool])
job.run(service_account=os.environ["SERVICE_ACCOUNT"], experiment=name, experiment_run="r1")
say("job", job.state.name, job.job_spec.experiment_run.rpartition("/")[2])
say("run", aiplatform.ExperimentRun("r1", experiment=name).get_state())
found = aiplatform.CustomJob.get(job.resource_name)
say("get", found.display_name, found.job_spec.experiment.rpartition("/")[2])
job.delete()
aiplatform.Experiment(name).delete()
