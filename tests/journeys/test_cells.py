"""From a cell to a value, through every arrow of the picture."""

import json

import pytest
from support import text_of, until


def test_values_travel_from_step_to_step_by_reference(kernel):
    kernel.good("base = 20")
    kernel.good("%%vertex_step first(base) -> a, text\na = base + 1\ntext = 'digits'")
    assert "from step first" in kernel.good("a")
    kernel.good("%%vertex_step second(a, text) -> b\nb = {text: a * 2}")
    assert kernel.good("b.get()") == "{'digits': 42}"


def test_a_step_that_ran_while_the_kernel_restarted_gives_its_result(kernel):
    kernel.good("%%vertex_step patient() -> res --no-wait\nimport time\ntime.sleep(6)\nres = 11")
    kernel.restart()
    kernel.good("%load_ext argovx_lab")
    assert "attached: res" in kernel.good("%argovx status")
    assert "res is not there yet: step patient is" in kernel.good("res")
    until(lambda: "get() brings" in (now := kernel.good("res")) and "not there" not in now, 60)
    assert kernel.good("res.get()") == "11"


def test_a_helper_may_stand_in_the_parentheses(kernel):
    kernel.good(
        "import numpy as np\nSEED = 1\ndef noisy(k):\n    return np.random.default_rng(SEED).normal(size=k)"
    )
    kernel.good("%%vertex_step draw(noisy) -> x\nx = noisy(3)")
    assert kernel.good("(x.get() == noisy(3)).all()") == "np.True_"


def test_what_cannot_travel_back_is_the_cells_to_mend(kernel):
    text = kernel.bad("%%vertex_step odd() -> f\nf = lambda x: x")
    assert "f cannot travel" in text
    assert "Mend the cell and run it again" in text
    assert "step document" not in text


def test_two_kernels_of_one_notebook_that_begin_at_once_share_a_run(sandbox, monkeypatch, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    from argovx_lab.notebook.session import Session

    monkeypatch.setenv("ARGOVX_NOTEBOOK", f"{tmp_path.name}.ipynb")
    sessions = [Session() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        runs = set(pool.map(lambda session: session.run_id, sessions))
    assert len(runs) == 1
    assert sessions[0].new_run() not in runs
    assert Session().run_id == sessions[0].run_id


def test_inputs_and_outputs_are_found_without_a_signature(kernel):
    kernel.good("import math\nradius = 2.0\ndef area(r):\n    return math.pi * r * r")
    kernel.good("%%vertex_step circle\nsurface = round(area(radius), 3)")
    assert kernel.good("surface.get()") == "12.566"


def test_what_nobody_named_and_cannot_travel_is_left_out_with_a_note(kernel):
    cell = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2])\nlog = open('/dev/null')\ntop = 2"
    text = kernel.good(f"%%vertex_step plot\n{cell}")
    assert "note: plot left out " in text
    assert "ax (it is a figure or part of one" in text
    assert "log (it is an open file. Pass its content, or open it inside the cell)" in text
    assert kernel.good("top.get()") == "2"
    assert "log was left out of step plot: it is an open file" in kernel.bad("%%vertex_step read\nlog.read()")


def test_a_constant_of_a_helper_travels_and_what_does_not_come_back_is_said(kernel):
    kernel.good("FACTOR = 3\ndef scale(v):\n    return v * FACTOR")
    text = kernel.good("%%vertex_step grow() -> big\nbig = scale(14)")
    assert "note: FACTOR goes in too: scale reads it" in text
    assert kernel.good("big.get()") == "42"
    assert "note: größe is no output" in kernel.good("%%vertex_step measure\nsize = 1\ngröße = 2")
    assert kernel.good("size.get()") == "1"


def test_a_secret_is_not_sent_unless_the_user_says_so_and_that_is_recorded(kernel, sandbox):
    key = "AK" + "IA" + "Q3EXAMPLE7ABCDEF"
    before = len(sandbox.cluster.list_workflows()[0])
    text = kernel.bad(f"%%vertex_step leaky() -> x\nkey = '{key}'\nx = 1")
    assert "this would send what looks like a secret: line 2, column 8: an AWS access key" in text
    assert "Secret Manager" in text
    assert key not in text
    kernel.good(f"def helper():\n    return '{key}'\nheld = '{key}'")
    assert "cell 3, line 2, column 13: an AWS access key" in kernel.bad(
        "%%vertex_step leaky() -> x\nx = helper()"
    )
    assert "input held: an AWS access key" in kernel.bad("%%vertex_step leaky(held) -> x\nx = len(held)")
    assert len(sandbox.cluster.list_workflows()[0]) == before
    text = kernel.good("%%vertex_step leaky(held) -> x --allow-secret\nx = len(held)")
    assert "sent by --allow-secret: input held: an AWS access key" in text
    assert kernel.good("x.get()") == "20"
    notes = [w["metadata"]["annotations"] for w in sandbox.cluster.list_workflows()[0]]
    assert "input held: an AWS access key" in [n.get("argovx.dev/allowed-secrets") for n in notes]


def test_a_frame_and_an_array_come_back_equal(kernel):
    kernel.good(
        "import pandas as pd, numpy as np\nframe = pd.DataFrame({'x': [1, 2], 'when': pd.to_datetime(['2026-01-01', '2026-01-02'])})"
    )
    kernel.good(
        "%%vertex_step twice(frame) -> again, total\nimport numpy as np\nagain = frame\ntotal = np.asarray(frame['x']) * 2"
    )
    assert kernel.good("pd.testing.assert_frame_equal(again.get(), frame); total.get().tolist()") == "[2, 4]"


def test_the_users_error_is_shown_in_the_cells_own_lines(kernel):
    text = kernel.bad("%%vertex_step breaks() -> x\nrows = {}\nx = rows['label']")
    assert "KeyError: 'label'" in text
    assert "x = rows['label']" in text
    assert "cell 2 (breaks)" in text
    assert "argovx_lab" not in text
    assert "NameError" in kernel.bad("x")


def test_mending_the_cell_goes_on_from_what_is_there(kernel):
    kernel.good("%%vertex_step collect() -> values\nvalues = [1, 2, 3]")
    kernel.bad("%%vertex_step total(values) -> sum_of\nsum_of = sum(valuess)")
    kernel.good("%%vertex_step total(values) -> sum_of\nsum_of = sum(values)")
    assert kernel.good("sum_of.get()") == "6"
    status = kernel.good("%argovx status")
    assert status.count("collect") == 1
    assert "✓ total" in status


def test_pull_brings_the_inputs_of_a_failed_step_as_it_got_them(kernel):
    kernel.good("%%vertex_step collect() -> values\nvalues = [1, 0]")
    kernel.good("scale = 3")
    kernel.bad("%%vertex_step divide(values, scale) -> ratio\nratio = scale * values[0] / values[1]")
    kernel.good("scale = 4")
    text = kernel.good("%argovx pull divide")
    assert "values: list, 2 items · as divide got it (replaced)" in text
    assert kernel.good("values, scale") == "([1, 0], 3)"
    assert kernel.good("%argovx attach") == "the kernel has every result of this run"
    kernel.good("del values")
    assert kernel.good("%argovx attach") == "attached: values"
    assert kernel.good("values.get()") == "[1, 0]"
    assert "has no step nowhere" in kernel.bad("%argovx pull nowhere")
    assert kernel.good("%argovx pull collect") == "collect has no inputs"


def test_what_a_failed_cell_had_assigned_is_offered_and_comes_as_partial(kernel):
    text = kernel.bad("%%vertex_step divide() -> tops, ratio\ntops = [3, 4]\nratio = tops[0] / 0")
    offered = "had assigned tops; %argovx pull divide brings that here as tops_partial"
    assert offered in text
    assert "ZeroDivisionError" in text
    pulled = kernel.good("%argovx pull divide")
    assert pulled.startswith("tops_partial: list, 2 items · partial: assigned before divide failed with")
    assert "ZeroDivisionError: division by zero · cell" in pulled
    assert kernel.good("tops_partial") == "[3, 4]"
    assert "NameError" in kernel.bad("tops")
    assert "(replaced)" in kernel.good("%argovx pull tops")
    assert "no failed step that had assigned it" in kernel.bad("%argovx pull nothing")


def test_no_wait_gives_the_handle_at_once_and_an_unfinished_one_is_waited_for(kernel, sandbox):
    kernel.good("%%vertex_step slow() -> late --no-wait\nimport time\ntime.sleep(4)\nlate = 7")
    text = kernel.good("%%vertex_step after(late) -> x\nx = late + 1")
    assert "waits for slow, which has not ended" in text
    assert kernel.good("x.get()") == "8"
    assert "slow" in kernel.good("%argovx status")
    until(lambda: "get() brings" in kernel.good("late") and "not there" not in kernel.good("late"), 40)
    assert kernel.good("late.get()") == "7"


def test_stop_reaches_the_job(kernel, sandbox):
    kernel.good(
        "%%vertex_step endless() -> x --no-wait\nimport time\nx = 0\nwhile True:\n    time.sleep(0.1)"
    )
    until(lambda: "Running" in kernel.good("%argovx status"), 30)
    kernel.good("%argovx stop endless")
    until(lambda: "Stopped" in kernel.good("%argovx status"), 40)
    states = [job["state"] for job in sandbox.jobs.find() if "endless" in job["displayName"]]
    until(lambda: _states(sandbox, "endless") == ["JOB_STATE_CANCELLED"], 30, f"cancelled, was {states}")
    assert "was not made: step endless was stopped" in kernel.bad("x.get()")


def test_a_restarted_kernel_finds_its_run_and_results(kernel):
    kernel.good("%%vertex_step keeps() -> kept\nkept = 'safe'")
    assert "keeps wrote nothing" in kernel.good("%argovx logs keeps")
    kernel.restart()
    kernel.good("%load_ext argovx_lab")
    text = kernel.good("%argovx status")
    assert "✓ keeps" in text
    assert "attached: kept" in text
    assert kernel.good("kept.get()") == "'safe'"
    kernel.good("mine = kept")
    kernel.good("kept = 'my own'")
    assert "attached" not in kernel.good("%argovx status")
    assert kernel.good("kept") == "'my own'"
    kernel.good("kept = mine")
    kernel.good("%%vertex_step uses(kept) -> used\nused = kept + '!'")
    assert kernel.good("used.get()") == "'safe!'"


def test_a_dry_run_shows_the_plan_and_sends_nothing(kernel, sandbox):
    before = len(sandbox.cluster.list_workflows()[0])
    text = kernel.good("n = 3\n") + kernel.good(
        "%%vertex_step plan_only(n) -> m --on n1-standard-8+T4*2 --dry-run\nm = n"
    )
    for word in (
        "plan_only(n) -> m",
        "n1-standard-8+NVIDIA_TESLA_T4*2",
        "wf-ada",
        "u-ada@",
        "kind: Workflow",
    ):
        assert word in text
    assert len(sandbox.cluster.list_workflows()[0]) == before
    kernel.good("%%vertex_step plan_only(n) -> m\nm = n")
    assert "plan of plan_only" in kernel.good("%%vertex_step plan_only(n) -> m --dry-run\nm = n")


def test_metrics_and_logs_come_back(kernel):
    kernel.good(
        "%%vertex_step learns() -> done\n"
        "for epoch in range(3):\n"
        "    argovx.log_metrics({'loss': 1.0 / (epoch + 1)}, step=epoch)\n"
        "    print('epoch', epoch)\n"
        "done = True"
    )
    assert "epoch 2" in kernel.good("%argovx logs learns")


def test_a_failed_step_can_be_asked_for_repeats(kernel, sandbox):
    kernel.bad("%%vertex_step flaky() -> x --retries 1\nx = 1 / 0")
    (workflow,) = sandbox.cluster.list_workflows("argovx.dev/step=flaky")[0]
    nodes = workflow["status"]["nodes"].values()
    attempts = [n for n in nodes if (n.get("nodeFlag") or {}).get("retried") and ".flaky(" in n["name"]]
    assert len(attempts) == 2


def test_the_bundle_is_for_every_front_end(kernel):
    cell = kernel.run("%%vertex_step shown() -> x\nx = 1")
    (output,) = [o for o in cell.outputs if "application/vnd.argovx.run+json" in o.get("data", {})]
    bundle = output["data"]["application/vnd.argovx.run+json"]
    assert bundle["schema"] == 1
    assert bundle["snapshot"]["nodes"][0]["phase"] == "Succeeded"
    assert "no charge" in json.dumps(bundle)
    assert "✓ shown" in output["data"]["text/plain"]
    assert "<script" not in output["data"]["text/html"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("%%vertex_step bad() -> x\nx = = 1", "line 2"),
        ("%%vertex_step bad() -> x --onn a\nx = 1", "unknown flag --onn"),
        ("%%vertex_step bad() -> x --on n1-standard-3\nx = 1", "n1-standard-3"),
        ("%%vertex_step bad() -> x --on n1-standard-8+H1000\nx = 1", "H1000"),
        ("%%vertex_step bad() -> x --image nowhere/none:1\nx = 1", "nowhere/none:1"),
        ("%%vertex_step bad() -> never\nx = 1", "never assigns the output never"),
        ("%%vertex_step bad() -> x\nawait x", "await"),
        ("%%vertex_step bad() -> x\nx = input()", "input"),
        ("%%vertex_step bad() -> x\n!ls\nx = 1", "shell"),
        ("%%vertex_step bad() -> x\n%time\nx = 1", "magic"),
        ("%%vertex_step bad() -> x\n# nothing\n", "nothing to run"),
        ("%%vertex_step bad(gen) -> x\nx = gen", "gen cannot travel"),
        ("%%vertex_step bad(missing) -> x\nx = missing", "missing"),
        ("%%vertex_step Bad\nx = 1", "'Bad' cannot name a step"),
        ("%argovx sttus", "Did you mean %argovx status?"),
        ("%argovx use nowhere", "there is no profile 'nowhere'"),
        ("%argovx stop nothing", "has no step nothing"),
    ],
)
def test_bad_input_is_one_line_and_a_hint_and_sends_nothing(patient_kernel, sandbox, source, message):
    kernel = patient_kernel
    before = len(sandbox.cluster.list_workflows()[0])
    kernel.good("gen = (i for i in range(3))\nx = 'mine'")
    text = kernel.bad(source)
    assert message in text
    assert "Traceback" not in text
    assert "argovx_lab/" not in text
    assert kernel.good("x") == "'mine'"
    assert len(sandbox.cluster.list_workflows()[0]) == before


def _states(sandbox, step):
    return [job["state"] for job in sandbox.jobs.find() if step in job["displayName"]]


def test_the_text_of_a_cell_is_what_front_ends_without_a_renderer_show(kernel):
    assert text_of(kernel.run("%argovx runs"))
