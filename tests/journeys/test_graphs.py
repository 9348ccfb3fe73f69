"""Steps that wait, have a condition or run for each value: cells by themselves, and in one Workflow."""

import pytest


def test_a_fan_out_gives_a_list_and_a_condition_decides(kernel, sandbox):
    kernel.good("base = 10")
    kernel.good("%%vertex_step slow(base) -> rows --no-wait\nimport time\ntime.sleep(3)\nrows = base * 2")
    text = kernel.good("%%vertex_step big(rows) -> note --when 'slow.rows > 1000'\nnote = rows")
    assert "– big · Skipped · skipped: slow.rows > 1000" in text
    assert "NameError" in kernel.bad("note")
    assert "rows: int" in kernel.good("%argovx pull big")  # it waited for slow, in a Workflow of its own
    assert kernel.good("rows") == "20"
    again = sandbox.cluster.get_workflow(kernel.good("%argovx retry big").rpartition(": ")[2])
    assert again["spec"]["templates"][0]["dag"]["tasks"][0]["when"] == "{{=20 > 1000}}"
    text = kernel.good(
        "%%vertex_step train(rows) -> model --for lr in [0.1, 0.5, 2.0] --parallelism 2"
        " --when 'slow.rows == 20'\nmodel = {'lr': lr, 'loss': abs(lr - rows / 40)}"
    )
    for number in range(3):
        assert f"✓ train-{number}" in text
    assert kernel.good("[m['lr'] for m in model.get()]") == "[0.1, 0.5, 2.0]"
    kernel.good(
        "%%vertex_step best(model) -> lr --after slow\nlr = min(model, key=lambda m: m['loss'])['lr']"
    )
    assert kernel.good("lr.get()") == "0.5"


@pytest.mark.long
def test_failing_members_are_named_and_what_waits_for_a_failure_fails_with_its_reason(kernel):
    text = kernel.bad("%%vertex_step part() -> x --for n in [1, 0]\nx = 1 / n")
    assert "part-1 (n=0)" in text
    assert "ZeroDivisionError" in text
    kernel.good("%%vertex_step broken() -> y --no-wait\nimport time\ntime.sleep(2)\ny = int('no data')")
    text = kernel.bad("%%vertex_step next(y) -> z\nz = y")
    assert "next did not run: step broken failed" in text
    assert "no data" in text
