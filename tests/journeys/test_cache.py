"""An unchanged step is not run again, and whoever looks is told where its results come from."""

from pathlib import Path

import pytest

from argovx_lab.model.layout import split_uri


def jobs(sandbox):
    """Every custom job that the sandbox has made."""
    return {job["name"] for job in sandbox.jobs.find()}


def test_an_unchanged_step_is_answered_without_a_job_and_never_called_succeeded(kernel, sandbox):
    kernel.good("scale = 5\ndef grown(v):\n    return v * scale")
    miss = kernel.good("%%vertex_step grow() -> big, odd:pickle --dry-run\nbig = grown(7)\nodd = {1, 2}")
    assert "cache miss: this step has not run in this run" in miss
    kernel.good("%%vertex_step grow() -> big, odd:pickle\nbig = grown(7)\nodd = {1, 2}")
    before = jobs(sandbox)
    kernel.good("def grown(v):\n\n    # now with a comment\n    return (v*scale)")
    again = "%%vertex_step grow() -> big, odd:pickle{}\n# another comment\nbig = grown( 7 )\nodd = {{1, 2}}"
    assert "cache hit: same code and data as run" in kernel.good(again.format(" --dry-run"))
    text = kernel.good(again.format(""))
    assert "↯ grow · Cached · same code and data as run" in text
    assert "Succeeded" not in text
    assert kernel.good("big.get(), odd.get()") == "(35, {1, 2})"
    assert jobs(sandbox) == before
    status = kernel.good("%argovx status")
    assert "↯ grow · Cached" in status
    assert "Succeeded" not in status
    assert "1 cached" in next(line for line in kernel.good("%argovx runs").splitlines() if "↯" in line)
    kernel.restart()
    kernel.good("%load_ext argovx_lab")
    assert "attached: big, odd" in kernel.good("%argovx status")
    kernel.good("%%vertex_step use(big) -> more\nmore = big + 1")
    assert kernel.good("more.get()") == "36"


@pytest.mark.long
def test_what_changed_is_computed_anew_and_said(kernel, sandbox):
    kernel.good("factor = 2")
    step = "%%vertex_step times(factor) -> product{}\nproduct = factor * {}"
    kernel.good(step.format("", 21))
    assert "since Workflow times-" in (text := kernel.good(step.format(" --dry-run", 22)))
    assert "the cell's code changed" in text
    kernel.good("factor = 3")
    assert "an input changed" in kernel.good(step.format(" --dry-run", 21))
    before = jobs(sandbox)
    assert "Succeeded" in kernel.good(step.format("", 21))
    assert kernel.good("product.get()") == "63"
    assert "Succeeded" in kernel.good(step.format(" --cache refresh", 21))
    assert "Succeeded" in kernel.good(step.format(" --cache off", 21))
    assert len(jobs(sandbox) - before) == 3
    assert "Cached" in kernel.good(step.format("", 21))
    assert "did you mean --cache read" in kernel.bad(step.format(" --cache reed", 21)).lower()


@pytest.mark.long
def test_a_cached_result_that_is_gone_or_changed_is_computed_anew(kernel, sandbox):
    step = "%%vertex_step once() -> value\nvalue = ['precious']"
    kernel.good(step)
    uri = eval(kernel.good("value.reference().uri"))
    bucket, name = split_uri(uri)
    sandbox.objects.create(bucket, name, b'["planted!"]', if_absent=False)
    text = kernel.good(step)
    assert "is not used, it is computed anew: value is not what its manifest says" in text
    assert "✓ once · Succeeded" in text
    assert kernel.good("value.get()") == "['precious']"
    assert "Cached" in kernel.good(step)
    assert Path(name).parts[0] == "users"


@pytest.mark.long
def test_what_comes_after_a_cached_step_goes_on(kernel):
    step = "%%vertex_step score() -> accuracy\naccuracy = 0.9"
    kernel.good(step)
    assert "Cached" in kernel.good(step)
    after = "%%vertex_step deploy() -> place --after score --when 'score.accuracy > {}'\nplace = 'live'"
    assert "Succeeded" in kernel.good(after.format(0.5))
    assert kernel.good("place.get()") == "'live'"
    assert "Skipped" in kernel.good(after.format(0.95))


@pytest.mark.long
def test_after_a_failure_the_edited_cell_comes_first_and_stale_results_are_marked(kernel, tmp_path):
    import nbformat

    divide = "%%vertex_step divide(values, scale) -> ratio\nratio = scale * values[0] / values[{}]"
    collect = "%%vertex_step collect() -> values\nvalues = {}"
    kernel.good(collect.format("[1, 0, 2]"))
    kernel.good("scale = 3")
    text = kernel.bad(divide.format(1))
    assert text.index("%argovx pull divide") < text.index("To retry the same code: %argovx retry divide")
    assert "Mend the cell and run it again, and what follows" in text
    assert "run again with the code and inputs that it had" in kernel.good("%argovx retry divide")
    kernel.good(divide.format(2))
    assert "stale" not in kernel.good("%argovx status")
    kernel.good("scale = 4")
    assert "stale: divide: scale has another value now" in kernel.good("%argovx status")
    kernel.good("scale = 3")
    cells = [collect.format("[5, 0, 2]"), "scale = 3", divide.format(2)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, tmp_path / f"{tmp_path.name}.ipynb")
    kernel.restart()
    kernel.good("%load_ext argovx_lab")
    status = kernel.good("%argovx status")
    assert "stale: collect: the cell's code changed" in status
    assert "stale: divide: it is made from collect, which is stale" in status
