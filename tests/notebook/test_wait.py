"""What an end means to the user: each code of the launcher's table is an honest line and a hint."""

from dataclasses import replace

import pytest

from argovx_lab import errors
from argovx_lab.errors import (
    CredentialError,
    InternalError,
    OutputsMissing,
    PermissionMissing,
    PolicyDenied,
    RemoteError,
    RunError,
    SpecError,
    StepCancelled,
    StepFailed,
    StepTimedOut,
)
from argovx_lab.model.exits import meaning
from argovx_lab.model.run import ArgoSide, Exit, Node, Output, Phase, Stop
from argovx_lab.notebook.wait import left_out, raise_for


def failed(code, phase=Phase.FAILED, **fields):
    reason = fields.pop("reason", "Word: the sentence")
    return Node("train", "train", phase, exit=Exit(code, reason, **fields))


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (10, SpecError, "was refused"),
        (11, PolicyDenied, "was denied by the policy"),
        (20, CredentialError, "had no credential"),
        (21, PermissionMissing, "lacks a permission"),
        (30, RemoteError, "failed at the platform"),
        (31, StepTimedOut, "timed out"),
        (40, OutputsMissing, "ended without its outputs"),
        (64, RemoteError, "in Argo's own executor"),
        (65, RemoteError, "in Argo's own executor"),
        (70, InternalError, "met a bug of argovx-lab"),
        (137, RemoteError, "lost its launcher"),
        (None, RemoteError, "was ended by Argo"),
        (2, RunError, "failed with exit code 2"),
        (0, RunError, "failed with exit code 0"),
    ],
)
def test_each_exit_code_has_its_error_line_and_hint(code, kind, words):
    with pytest.raises(kind) as caught:
        raise_for(failed(code))
    assert type(caught.value) is kind
    assert words in caught.value.message
    assert caught.value.message.endswith(": the sentence")
    assert caught.value.hint


def test_each_error_of_the_launcher_comes_back_as_itself():
    """The table is read backwards here: what the launcher exits with is what the notebook raises."""
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.ArgovxError) and kind.exit_code not in (1, 69):
            assert issubclass(kind, meaning(kind.exit_code).error) or kind is errors.ArgovxError, kind


def test_the_users_own_failure_is_the_users_own_traceback():
    node = failed(1, error="KeyError: 'x'", place="cell 7, line 2", traceback=("line 1", "line 2"))
    node = replace(node, argo=ArgoSide("train-1", "u1", "n1", "Failed"))
    with pytest.raises(StepFailed) as caught:
        raise_for(node)
    assert caught.value.message == "train failed: KeyError: 'x' · cell 7, line 2"
    *lines, below = caught.value._render_traceback_()
    assert lines == ["line 1", "line 2"]
    assert below.index("run it again, and what follows") < below.index("%argovx pull train")
    assert below.endswith("To retry the same code: %argovx retry train")


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (failed(143, Phase.STOPPED, reason="Stopped: x"), "train was stopped"),
        (failed(130, Phase.STOPPED), "train was cancelled at Vertex"),
        (failed(None, Phase.STOPPED, reason=""), "train was stopped"),
        (failed(137, Phase.STOPPED, reason=""), "train was stopped"),
        (
            Node("train", "train", Phase.STOPPED, exit=Exit(143), stop=Stop("Stop", "ada")),
            "train was stopped by ada",
        ),
        (Node("train", "train", Phase.STOPPED), "train was stopped"),
    ],
)
def test_a_stop_is_a_stop_however_the_launcher_ended(node, message):
    with pytest.raises(StepCancelled) as caught:
        raise_for(node)
    assert (caught.value.message, bool(caught.value.hint)) == (message, True)


def test_an_eviction_is_no_stop():
    node = failed(137, reason="Evicted: the pod was evicted; the job goes on and is adopted")
    with pytest.raises(RemoteError, match=r"lost its launcher: .*: the pod was evicted; the job goes on"):
        raise_for(node)


def test_what_the_runner_said_comes_before_what_argo_said():
    node = Node(
        "t",
        "t",
        Phase.FAILED,
        message="Error (exit code 21)",
        exit=Exit(21, error="PermissionMissing: may not"),
    )
    with pytest.raises(PermissionMissing, match="may not"):
        raise_for(node)
    with pytest.raises(PermissionMissing, match="Error \\(exit code 21\\)"):
        raise_for(Node("t", "t", Phase.FAILED, message="Error (exit code 21)", exit=Exit(21)))
    with pytest.raises(PermissionMissing, match="no reason was given"):
        raise_for(Node("t", "t", Phase.FAILED, exit=Exit(21)))


@pytest.mark.parametrize("phase", [Phase.SUCCEEDED, Phase.CACHED, Phase.SKIPPED])
def test_a_good_end_raises_nothing(phase):
    raise_for(Node("t", "t", phase))


def test_what_was_left_out_is_one_note():
    outputs = (
        Output("model", state="ready"),
        Output("ax", summary="it is a figure.", state="left-out"),
        Output("f", summary="it is a lambda", state="left-out"),
    )
    node = Node("plot", "plot", Phase.SUCCEEDED, outputs=outputs)
    raise_for(node)
    assert left_out(node) == ("plot left out ax (it is a figure); f (it is a lambda)",)
    assert left_out(Node("t", "t", Phase.SUCCEEDED, outputs=outputs[:1])) == ()


def test_a_success_whose_manifest_cannot_be_read_is_no_success():
    with pytest.raises(OutputsMissing, match="its manifest cannot be read"):
        raise_for(Node("t", "t", Phase.SUCCEEDED, outputs=(Output("model"),)))
    raise_for(Node("t", "t", Phase.SUCCEEDED, outputs=(Output("model", state="ready"),)))
