"""The truth table has a verdict for every combination, and the rows that people rely on."""

import itertools

import pytest

from argovx_lab.model.run import Phase
from argovx_lab.runs.table import _ROWS, ARGO, STREAM, VERTEX, judge


@pytest.mark.parametrize("argo", ARGO)
def test_every_combination_has_a_row(argo):
    for vertex, stream in itertools.product(VERTEX, STREAM):
        assert isinstance(judge(argo, vertex, stream).phase, Phase)


def test_every_row_is_reachable():
    reached = set()
    for argo, vertex, stream in itertools.product(ARGO, VERTEX, STREAM):
        for number, (row_argo, row_vertex, row_stream, _) in enumerate(_ROWS):
            if row_argo == argo and row_vertex in ("*", vertex) and row_stream in ("*", stream):
                reached.add(number)
                break
    assert reached == set(range(len(_ROWS)))


def test_unknown_words_are_not_guessed():
    with pytest.raises(KeyError):
        judge("Exploded", "", "")


@pytest.mark.parametrize(
    ("argo", "vertex", "stream", "phase"),
    [
        ("", "", "", Phase.QUEUED),
        ("Pending", "", "", Phase.QUEUED),
        ("Running", "", "", Phase.QUEUED),
        ("Running", "JOB_STATE_QUEUED", "", Phase.PROVISIONING),
        ("Running", "JOB_STATE_PENDING", "", Phase.PROVISIONING),
        ("Running", "JOB_STATE_PENDING", "running", Phase.RUNNING),
        ("Running", "JOB_STATE_RUNNING", "uploading", Phase.UPLOADING),
        ("Running", "JOB_STATE_SUCCEEDED", "closed", Phase.UPLOADING),
        ("Running", "JOB_STATE_CANCELLED", "closed", Phase.RUNNING),
        ("Succeeded", "JOB_STATE_SUCCEEDED", "closed", Phase.SUCCEEDED),
        ("Failed", "JOB_STATE_SUCCEEDED", "closed", Phase.FAILED),
        ("Error", "JOB_STATE_RUNNING", "running", Phase.FAILED),
        ("Omitted", "", "", Phase.SKIPPED),
    ],
)
def test_rows_that_people_rely_on(argo, vertex, stream, phase):
    assert judge(argo, vertex, stream).phase is phase
