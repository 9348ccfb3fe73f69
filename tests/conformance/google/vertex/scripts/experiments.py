"""Experiments through the high-level SDK. Creates and deletes one experiment with two runs
(a fraction of a cent).

Usage: experiments.py grpc|rest
"""

import os
import sys

from google.cloud import aiplatform

transport = sys.argv[1]
name = f"lab-{transport}"


def say(*words):
    sys.stdout.write(" ".join(map(str, ("::", *words))) + "\n")


aiplatform.init(
    project=os.environ["GOOGLE_CLOUD_PROJECT"],
    location="us-central1",
    experiment=name,
    experiment_description="what the suite made",
    experiment_tensorboard=False,
    api_transport="rest" if transport == "rest" else None,
)
for n, run in enumerate(("first", "second")):
    aiplatform.start_run(run)
    aiplatform.log_params({"depth": n, "kind": "tree"})
    aiplatform.log_metrics({"accuracy": 0.5 + n / 4})
    aiplatform.log_metrics({"loss": 0.1})
    aiplatform.end_run()

with aiplatform.start_run("first", resume=True):
    aiplatform.log_metrics({"accuracy": 0.9})

for run in sorted(aiplatform.ExperimentRun.list(experiment=name), key=lambda r: r.name):
    say(
        run.name,
        getattr(run.state, "name", run.state),
        dict(sorted(run.get_params().items())),
        dict(sorted(run.get_metrics().items())),
    )
frame = aiplatform.get_experiment_df(name)
say(sorted(column for column in frame.columns if "." in column), len(frame))

artifact = aiplatform.Artifact.create(
    schema_title="system.Dataset", uri="gs://lab/x", display_name=f"x {name}"
)
found = aiplatform.Artifact.get_with_uri("gs://lab/x")
say("artifact", found.uri, found.schema_title)
artifact.update(metadata={"rows": 3})
artifact.sync_resource()
say("metadata", dict(artifact.metadata))
artifact.delete()

aiplatform.Experiment(name).delete()
say("experiments left", [e.name for e in aiplatform.Experiment.list() if e.name == name])
