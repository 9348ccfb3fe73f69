"""CronWorkflows and files that are submitted again and again."""

import pytest
from argo_crds import check
from test_graph import PLACE, node

from argovx_lab.compile.graph import graph
from argovx_lab.compile.schedule import check as check_expression
from argovx_lab.compile.schedule import cron, reusable
from argovx_lab.errors import SpecError


def test_a_schedule_makes_the_same_workflow_each_time_as_a_run_of_its_own():
    body = graph([node("a"), node("b", "a")], PLACE)
    found = cron(body, "nightly", "0 3 * * mon-fri", "Europe/Zurich")
    check(found)
    assert found["spec"]["workflowSpec"] == body["spec"]
    assert found["spec"]["schedules"] == ["0 3 * * mon-fri"]
    assert "argovx.dev/run" not in found["spec"]["workflowMetadata"]["labels"]
    assert found["spec"]["workflowMetadata"]["labels"]["argovx.dev/user"] == "ada"
    again = reusable(body)
    check(again)
    assert again["metadata"]["generateName"] == "train-1-"


@pytest.mark.parametrize("text", ["*/5 * * * *", "0 0,12 1-7 jan,jul *", "@daily", "0 3 * * 0"])
def test_expressions_that_argo_takes(text):
    check_expression(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 3 * *", "4 fields"),
        ("0 25 * * *", "column 3"),
        ("0 3 * * mom", "column 9"),
        ("5-1 * * * *", "column 1"),
        ("*/0 * * * *", "column 1"),
        ("@never", "no schedule"),
    ],
)
def test_expressions_that_cannot_be_read_are_refused(text, said):
    with pytest.raises(SpecError, match=said):
        check_expression(text)
