"""A step on this machine: the digests of its job, no cluster asked, and a result like any other."""

import pytest

BODY = """import numpy as np, pandas as pd
x = scaled(np.arange(4.0))
frame = pd.DataFrame({'x': x})
text = 'ä' * 3
print('hello')
argovx.log_metrics({'rows': 4})"""

DIGESTS = "{n: globals()[n].reference().digest for n in ('x', 'frame', 'text')}"


def test_a_step_here_gives_the_digests_of_its_job_and_makes_none(kernel, sandbox):
    kernel.good("import numpy as np, pandas as pd\nbase = 3\ndef scaled(v):\n    return v * base")
    before = len(sandbox.cluster.list_workflows()[0])
    text = kernel.good(f"%%vertex_step both -> x, frame, text --here\n{BODY}")
    assert "note: runs on this machine" in text
    assert "hello" in text
    assert "✓ both · Succeeded · ran on this machine · x, frame, text" in text
    assert len(sandbox.cluster.list_workflows()[0]) == before
    assert "from step both · ran on this machine" in kernel.good("x")
    kernel.good(f"here = {DIGESTS}")
    kernel.good(f"%%vertex_step both -> x, frame, text\n{BODY}")
    assert "ran on this machine" not in kernel.good("x")
    kernel.good(f"there = {DIGESTS}")
    assert kernel.good("here == there, len(set(here.values()))") == "(True, 3)"


def test_values_of_the_signature_go_in_and_nothing_else_of_that_name(kernel):
    kernel.good("lr = 99\ndef seed():\n    return 0")
    cell = "%%vertex_step train(lr=0.1, seed=7, names=['a', 'b']) -> got{}\ngot = [lr, seed, names]"
    text = kernel.good(cell.format(" --dry-run"))
    assert "plan of train(lr=0.1, seed=7, names=['a', 'b']) -> got" in text
    assert "in   lr: float" in text
    kernel.good(cell.format(" --here"))
    assert kernel.good("got.get(), lr") == "([0.1, 7, ['a', 'b']], 99)"


@pytest.mark.long
def test_what_was_made_here_goes_into_a_job_and_survives_a_restart(kernel, sandbox):
    kernel.good("%%vertex_step quick -> rows --here\nrows = [1, 2]")
    kernel.restart()
    kernel.good("%load_ext argovx_lab")
    assert "attached: rows" in kernel.good("%argovx status")
    assert "ran on this machine" in kernel.good("rows")
    kernel.good("%%vertex_step total(rows) -> sum_of\nsum_of = sum(rows)")
    assert kernel.good("sum_of.get()") == "3"
    kernel.good("%%vertex_step more(sum_of, rows) -> bigger --here\nbigger = sum_of + len(rows)")
    assert kernel.good("bigger.get()") == "5"


@pytest.mark.long
def test_a_failure_here_shows_the_cells_own_lines_and_binds_nothing(kernel):
    text = kernel.bad("%%vertex_step breaks() -> x --here\nrows = {}\nx = rows['label']")
    assert "✕ breaks · Failed · ran on this machine · KeyError: 'label'" in text
    assert "x = rows['label']" in text
    assert "(breaks)" in text
    assert "argovx_lab" not in text
    assert "NameError" in kernel.bad("x")


@pytest.mark.long
def test_the_process_sees_no_credentials_and_no_files_of_the_notebook(kernel, monkeypatch):
    kernel.good(
        "import os\nos.environ['GOOGLE_APPLICATION_CREDENTIALS'] = '/secret.json'\nopen('own.csv', 'w').close()"
    )
    kernel.good(
        "%%vertex_step look -> seen, files, home --here\n"
        "import os\nseen = sorted(os.environ)\nfiles = os.listdir('.')\nhome = os.path.expanduser('~')"
    )
    assert kernel.good("[n for n in seen.get() if n.startswith(('GOOGLE', 'ARGOVX', 'KUBE', 'JPY'))]") == "[]"
    assert kernel.good("files.get(), home.get() == os.path.expanduser('~')") == "([], False)"


@pytest.mark.long
def test_flags_of_jobs_are_refused_by_name(kernel):
    text = kernel.bad("%%vertex_step odd() -> x --here --spot --workers 2\nx = 1")
    assert "--here runs the step on this machine, where --spot, --workers cannot be had" in text
    assert "Take out --spot, --workers" in text
    assert "--no-wait cannot be had" in kernel.bad("%%vertex_step odd() -> x --here --no-wait\nx = 1")
    text = kernel.bad("%%vertex_step slow() -> x --here --timeout 1s\nimport time\ntime.sleep(30)\nx = 1")
    assert "slow timed out on this machine after 1 s" in text
