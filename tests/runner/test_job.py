"""A step from intent to manifest, in a Python without argovx."""

from __future__ import annotations

import hashlib
import json


def test_a_cell_runs_and_its_value_is_in_the_bucket(job):
    job.inputs = {"a": 20}
    job.cell = "\nprint('hello')\nb = a + 1\nb * 2\n"
    job.outputs = {"b": "auto"}
    assert job.run() == 0, job.output
    assert job.value("b") == 21
    item = job.manifest["outputs"]["b"]
    data = job.cloud.get(item["uri"])
    assert item["digest"] == hashlib.sha256(data).hexdigest()
    assert item["size_bytes"] == len(data)
    assert item["uri"].endswith("/out/b/data")
    assert item["generation"] == job.cloud.objects[item["uri"]][1]
    assert job.manifest["values"] == {"b": 21}
    assert job.manifest["task"] == "train"
    assert [e["method"] for e in job.events if e["method"] != "artifact"] == [
        "opened",
        "phase",
        "phase",
        "phase",
        "closed",
    ]
    assert [e["seq"] for e in job.events] == list(range(1, len(job.events) + 1))
    assert job.closed == {"outcome": "succeeded", "exit_code": 0, "error": None}
    assert job.cloud.logs(job.prefix + "r0.0/") == b"hello\n42\n"
    assert job.output == "hello\n42\n"


def test_definitions_run_first_in_the_same_namespace(job):
    job.inputs = {"K": 3}
    job.definitions = [
        {
            "code": "import math\n\n\ndef area(r, k=K):\n    return math.floor(r * k) + extra\n",
            "number": 2,
            "notebook_cell": "a",
        },
        {"code": "class Box:\n    side = 4\n", "number": 3, "notebook_cell": "b"},
    ]
    job.cell = "\nextra = 1\nresult = area(Box.side)\nguard = __name__ == '__main__'\n"
    job.outputs = {"result": "json", "guard": "auto"}
    assert job.run() == 0, job.output
    assert (job.value("result"), job.value("guard")) == (13, True)


def test_the_namespace_is_a_real_main_module(job):
    job.cell = """
import dataclasses, inspect, pickle, sys, warnings
import argovx as facade

@dataclasses.dataclass
class Point:
    x: int

def double(v):
    return v * 2  # twice

again = pickle.loads(pickle.dumps(Point(2))) == Point(2) and pickle.loads(pickle.dumps(double)) is double
shown = inspect.getsource(double)
runner_free = not any("runner" in entry for entry in sys.path)
same = facade is argovx
display({"a": 1})
warnings.warn("look")
"""
    job.outputs = {"again": "auto", "shown": "text", "runner_free": "auto", "same": "auto"}
    assert job.run() == 0, job.output
    assert job.value("again") is True
    assert job.value("same") is True
    assert job.value("runner_free") is True
    assert job.value("shown") == "def double(v):\n    return v * 2  # twice\n"
    assert "{'a': 1}" in job.output
    assert "digits.ipynb cell 7 (train):17: UserWarning: look" in job.output


def test_metrics_and_progress_become_events_and_the_last_values_stand_in_the_manifest(job):
    job.cell = """
for epoch in range(3):
    argovx.log_metrics({"loss": 1 / (epoch + 1), "epoch": epoch}, step=epoch)
    argovx.progress(epoch + 1, 3)
argovx.log_metrics({"loss": float("nan"), "accuracy": 1})
"""
    assert job.run() == 0, job.output
    metrics = [e["params"] for e in job.events if e["method"] == "metric"]
    assert [m["step"] for m in metrics] == [0, 1, 2, None]
    assert metrics[1]["values"] == {"loss": 0.5, "epoch": 1}
    assert {"done": 3, "total": 3} in [e["params"] for e in job.events if e["method"] == "progress"]
    assert job.manifest["metrics"] == {"loss": 1 / 3, "epoch": 2, "accuracy": 1}
    assert "loss is nan, which is not drawn" in job.output


def test_messages_of_forked_children_arrive(job):
    job.cell = """
import os
pid = os.fork()
if pid == 0:
    argovx.log_metrics({"from_child": 1})
    print("child", flush=True)
    os._exit(0)
os.waitpid(pid, 0);
"""
    assert job.run() == 0, job.output
    assert job.manifest["metrics"] == {"from_child": 1}
    assert job.cloud.logs(job.prefix + "r0.0/") == b"child\n"


def test_output_of_processes_and_odd_bytes_is_kept_as_it_is(job):
    job.cell = """
import os, subprocess, sys
os.write(1, b"raw \\xff\\xfe\\n")
subprocess.run([sys.executable, "-c", "print('from a process')"], check=True)
os.write(2, b"error\\n")
print("ümlaut \\ud800")
"""
    assert job.run() == 0, job.output
    expected = b"raw \xff\xfe\nfrom a process\nerror\n\xc3\xbcmlaut \\ud800\n"
    assert job.cloud.logs(job.prefix + "r0.0/") == expected


def test_much_output_is_whole_and_in_parts(job):
    job.cell = "for i in range(200_000):\n    print(i, 'x' * 20)\n"
    assert job.run() == 0
    logs = job.cloud.logs(job.prefix + "r0.0/")
    assert logs == b"".join(b"%d %s\n" % (i, b"x" * 20) for i in range(200_000))
    assert len(job.cloud.names(job.prefix + "r0.0/logs/")) > 1


def test_logs_are_there_while_the_cell_runs(job, tmp_path):
    gate = tmp_path / "gate"
    job.environment = {"GATE": str(gate)}
    job.cell = (
        "import os, time\nprint('early')\nwhile not os.path.exists(os.environ['GATE']): time.sleep(0.01)\n"
    )
    job.start()
    job.wait_for(lambda: job.cloud.logs(job.prefix + "r0.0/") == b"early\n")
    phases = [e["params"]["phase"] for e in job.events if e["method"] == "phase"]
    assert phases == ["inputs", "running"]
    gate.touch()
    assert job.finish() == 0


def test_requirements_that_are_there_are_not_installed(job, main_python):
    from importlib.metadata import version

    job.python = main_python
    job.requirements = [f"numpy=={version('numpy')}"]
    job.cell = "x = 1"
    assert job.run() == 0, job.output
    assert "installing" not in job.output


def test_a_requirement_is_installed_beside_the_image(job, wheel, main_python):
    job.python = main_python
    job.requirements = ["argovx-test-wheel==1.2"]
    job.environment = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent)}
    job.cell = "import argovx_test_wheel\nanswer = argovx_test_wheel.ANSWER\n"
    job.outputs = {"answer": "auto"}
    assert job.run() == 0, job.output
    assert job.value("answer") == 42


def test_a_requirement_that_cannot_be_had_is_said(job, main_python, tmp_path):
    job.python = main_python
    job.requirements = ["argovx-test-wheel==9.9"]
    job.environment = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    assert job.run() == 1
    assert job.error["type"] == "RequirementsFailed"
    assert "argovx-test-wheel==9.9" in job.error["message"]


def test_values_of_numpy_and_pandas_by_the_archive_alone(job, main_python):
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})
    job.python = main_python
    job.inputs = {"X": np.arange(6).reshape(2, 3), "frame": frame}
    job.cell = "total = X.sum()\nwide = frame.assign(c=[1, 2])\nZ = X * 2.0\n"
    job.outputs = {"total": "auto", "wide": "auto", "Z": "numpy"}
    assert job.run() == 0, job.output
    assert job.value("total") == 15
    assert type(job.value("total")) is np.int64
    assert job.value("Z").tolist() == [[0.0, 2.0, 4.0], [6.0, 8.0, 10.0]]
    pd.testing.assert_frame_equal(job.value("wide"), frame.assign(c=[1, 2]))
    assert job.manifest["outputs"]["Z"]["summary"] == "numpy array, 2×3"
    assert job.manifest["values"] == {"total": 15}


def test_a_second_life_of_a_replica_has_its_own_folder_and_meets_no_object_of_the_first(job):
    job.cell = "b = 2"
    job.outputs = {"b": "json"}
    job.cloud.put(job.prefix + "r0.0/events/part-00001", b'{"method":"opened"}\n')
    job.cloud.put(job.prefix + "out/b/data", b"1")
    assert job.run() == 0, job.output
    assert job.value("b") == 2
    assert job.cloud.events(job.prefix + "r0.1/")[-1]["params"]["outcome"] == "succeeded"


def test_a_life_that_finds_the_manifest_runs_nothing(job):
    job.cell = "print('again')"
    job.cloud.put(job.prefix + "r0.0/events/part-00001", b"{}\n")
    job.cloud.put(job.prefix + "manifest.json", b"{}")
    assert job.run() == 0
    assert "again" not in job.output
    assert job.cloud.events(job.prefix + "r0.1/")[-1]["params"]["outcome"] == "succeeded"


def test_one_token_serves_a_whole_run_and_appears_nowhere(job):
    job.cell = "import os\nprint(sorted(os.environ.items()))\nx = 1"
    job.outputs = {"x": "json"}
    assert job.run() == 0
    assert job.cloud.tokens == 1
    everything = json.dumps(job.events).encode() + b"".join(data for data, _ in job.cloud.objects.values())
    assert b"canary-token" not in everything


def test_the_archive_runs_on_other_pythons(job, other_python):
    job.python = other_python
    job.definitions = [{"code": "def f(x):\n    return x + 1\n", "number": 1, "notebook_cell": ""}]
    job.inputs = {"a": [1, {"b": "ü"}]}
    job.cell = "b = f(a[0])\nargovx.log_metrics({'m': 1})\n"
    job.outputs = {"b": "auto"}
    assert job.run() == 0, job.output
    assert job.value("b") == 2


def test_the_context_has_names_and_versions_and_nothing_secret(job):
    import dataclasses

    from argovx_lab import __version__
    from argovx_lab.runner.facade import Context

    job.environment = {"CLOUD_ML_JOB_ID": "42"}
    job.cell = "import dataclasses\nseen = dataclasses.asdict(argovx.context)\nargovx.context.step = 'x'"
    job.outputs = {"seen": "json"}
    assert job.run() == 1, "it cannot be changed"
    assert job.error["type"] == "FrozenInstanceError"
    partial = json.loads(job.cloud.get(job.prefix + "r0.0/manifest-partial.json"))
    seen = json.loads(job.cloud.get(partial["outputs"]["seen"]["uri"]))
    assert list(seen) == [field.name for field in dataclasses.fields(Context)]
    assert seen.pop("python").startswith("3.")
    assert seen == {
        "step": "train",
        "notebook": "digits.ipynb",
        "cell": "cell 7",
        "workflow": "wf",
        "workflow_uid": "uid-1",
        "task": "train",
        "namespace": "argovx",
        "user": "ada",
        "attempt": 0,
        "restart": 0,
        "replica": 0,
        "job": "42",
        "version": __version__,
    }
