"""What flags and names mean together: refused before anything is sent, or said at the end."""

import ast
from types import SimpleNamespace

import pytest

from argovx_lab.capture.arguments import Options
from argovx_lab.capture.each import Each
from argovx_lab.errors import SpecError, StepFailed
from argovx_lab.model.layout import Layout
from argovx_lab.model.run import Exit, Input, Node, Phase
from argovx_lab.model.step import ArtifactRef
from argovx_lab.notebook import blueprint, export, inputs, runs, stale
from argovx_lab.notebook.lists import HandleList
from argovx_lab.notebook.plan import Draft
from argovx_lab.notebook.remote import Producer

KEY = "AKIA" + "ABCDEFGHIJKLMNOP"


def members(monkeypatch, *, allow_secret):
    """The parts of a fan-out over one value that looks like a key."""
    monkeypatch.setattr(blueprint.plans, "specify", lambda *_: (None, b""))
    options = Options(each=Each("k", (KEY,)), allow_secret=allow_secret)
    document = {"filename": "cell (use)", "notebook": "n", "cell_id": "c", "cell_number": 1}
    draft = Draft("use", "use(k)", document, (), {}, "run-1", "use-1")
    session = SimpleNamespace(profile=SimpleNamespace(layout=Layout("bucket", "ada")), services=None)
    return blueprint.parts_of(session, options, draft, (KEY,))


def test_a_secret_among_the_values_of_a_fan_out_is_refused_or_recorded_and_never_shown(monkeypatch):
    with pytest.raises(SpecError, match="looks like a secret: input k"):
        members(monkeypatch, allow_secret=False)
    (part,) = members(monkeypatch, allow_secret=True)
    assert part.leaking == ("input k: an AWS access key",)
    assert KEY not in part.item


def test_what_nothing_can_wait_for_is_refused_by_name():
    waits = Producer("slow", "x", "slow-1", "u1", "slow-1.slow")
    bound = [inputs.Bound("x", ArtifactRef(step="slow", output="x"), "from slow", waits=waits)]
    with pytest.raises(SpecError, match="fast reads x, which step slow is still making"):
        inputs.refuse_unfinished("fast", bound, "Wait for it.")
    inputs.refuse_unfinished("fast", [], "")


def test_of_several_bad_ends_the_first_is_raised_and_the_others_are_named():
    nodes = [
        Node(id=name, name=name, phase=Phase.FAILED, exit=Exit(code=1, error="no", traceback=("line",)))
        for name in ("a", "b")
    ]
    with pytest.raises(StepFailed) as caught:
        runs._raise_first(SimpleNamespace(nodes=nodes))
    assert "Not well ended either: b" in "\n".join(caught.value._render_traceback_())


def test_the_name_of_a_notebook_runs_nothing_in_an_exported_script():
    text = export._SCRIPT.format(
        notebook=export._quoted('x"""; import os; os.abort(); """\n\\'),
        plan="p",
        version="1",
        user="ada",
        namespace="ns",
        documents="{}",
        workflow="{}",
    )
    tree = ast.parse(text)
    assert "x" in ast.get_docstring(tree)
    assert not [node for node in tree.body if isinstance(node, ast.Import)]


def test_a_list_of_results_is_no_other_value_of_the_notebook():
    node = Node(id="a", name="a", phase=Phase.SUCCEEDED, inputs=(Input(name="x", digest="d" * 64),))
    assert list(stale._moved(node, {"x": HandleList("fan", "x", [])})) == []
