"""The head of a step cell, as a table of what is read and what is refused where."""

from __future__ import annotations

import pytest

from argovx_lab.capture.signature import Signature, parse
from argovx_lab.errors import SpecError

READ = {
    "train": ("train", None, None, "train"),
    "train()": ("train", (), None, "train()"),
    "train(X, y)": ("train", ("X", "y"), None, "train(X, y)"),
    "train( X ,y )->model,report:json": (
        "train",
        ("X", "y"),
        {"model": "auto", "report": "json"},
        "train(X, y) -> model, report:json",
    ),
    "train -> model:pickle": ("train", None, {"model": "pickle"}, "train -> model:pickle"),
    "train(X,) -> m : numpy": ("train", ("X",), {"m": "numpy"}, "train(X) -> m:numpy"),
    "notify(model) -> ()": ("notify", ("model",), {}, "notify(model) -> ()"),
    "a-b_2(X) -> X": ("a-b_2", ("X",), {"X": "auto"}, "a-b_2(X) -> X"),
    "s(_hidden)": ("s", ("_hidden",), None, "s(_hidden)"),
}


@pytest.mark.parametrize("head", READ)
def test_a_head_is_read_and_written_in_one_spelling(head):
    name, inputs, outputs, text = READ[head]
    found = parse(head)
    assert found == Signature(name, inputs, outputs)
    assert found.text == text
    assert parse(found.text) == found


VALUES = {
    "t(lr=0.1, seed = 7)": {"lr": 0.1, "seed": 7},
    "t(X, n=-3, y)": {"n": -3},
    """t(a="x, y) -> z", b='--on', c=[1, (2, 3)], d={"k": "}"})""": {
        "a": "x, y) -> z",
        "b": "--on",
        "c": [1, (2, 3)],
        "d": {"k": "}"},
    },
    "t(a=None,b=True, c=b'x', d={1}, e=1e-3)": {"a": None, "b": True, "c": b"x", "d": {1}, "e": 0.001},
    r"t(a='it\'s', b=()) -> m": {"a": "it's", "b": ()},
}


@pytest.mark.parametrize("head", VALUES)
def test_an_input_may_have_a_value_of_its_own(head):
    found = parse(head)
    assert found.defaults == VALUES[head]
    assert {name: type(value) for name, value in found.defaults.items()} == {
        name: type(value) for name, value in VALUES[head].items()
    }
    assert parse(found.text) == found


def test_a_value_that_is_refused_is_not_repeated():
    with pytest.raises(SpecError) as caught:
        parse("t(key=open('hunter2'))")
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}"


REFUSED = {
    "": ("a step name is missing", 1),
    "Train(X)": ("'Train' cannot name a step", 1),
    "a-": ("'a-' cannot name a step", 1),
    "a_(X)": ("'a_' cannot name a step", 1),
    "3d": ("'3d' cannot name a step", 1),
    "a" * 41: ("cannot name a step", 1),
    "train(": ("an input is missing", 7),
    "train(X": ("',' or ')' is missing", 8),
    "train(X y)": ("expected ',' or ')'", 9),
    "train(X, X)": ("the input X is named twice", 10),
    "train(lr=)": ("the value of lr is missing", 9),
    "train(lr=": ("the value of lr is missing", 9),
    "train(X, lr=, seed=1)": ("the value of lr is missing", 12),
    "train(lr=rate)": ("the value of lr is no literal", 10),
    "train(data='dataset:iris@3')": ("a dataset cannot be named here yet", 12),
    "train(lr= 1/3)": ("the value of lr is no literal", 11),
    "train(lr=f(1, 2))": ("the value of lr is no literal", 10),
    "train(lr=f'{x}')": ("the value of lr is no literal", 10),
    "train(lr=[1, 2)": ("the value of lr is no literal", 10),
    "train(lr='a)": ("the value of lr is no literal", 10),
    "train(lr=1 seed=2)": ("the value of lr is no literal", 10),
    "train(lr=0.1, lr=0.2)": ("the input lr is named twice", 15),
    "train(lr, lr=0.2)": ("the input lr is named twice", 11),
    "train(lr=1": ("',' or ')' is missing", 11),
    "train(X) -> m=1": ("'=' is not expected here", 14),
    "train(0.1)": ("a value has no name", 7),
    "train('a')": ("a value has no name", 7),
    "train(gs://b/o)": ("an address has no name", 7),
    "train(class)": ("'class' is a word of Python", 7),
    "train(*X)": ("'*X' is not an input", 7),
    "train(größe)": ("'größe' is not an input", 7),
    "train(X) ->": ("an output is missing", 12),
    "train(X) -> m,": ("an output is missing", 15),
    "train(X) -> m, m": ("the output m is named twice", 16),
    "train(X) -> m:": ("a codec is missing", 15),
    "train(X) -> m:nope": ("'nope' is not a codec", 15),
    "train(X) -> _m": ("_m is private", 13),
    "train(X) -> (m)": ("outputs stand without parentheses", 14),
    "train(X) -> m n": ("'n' is not expected here", 15),
    "train(X) model": ("'model' is not expected here", 10),
    "train - > m": ("'-' is not expected here", 7),
}


@pytest.mark.parametrize("head", REFUSED)
def test_a_wrong_head_is_refused_at_its_column(head):
    words, column = REFUSED[head]
    with pytest.raises(SpecError) as caught:
        parse(head)
    assert caught.value.message.startswith(f"signature, column {column}: ")
    assert words in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("head", "better"),
    [("My Step", "my"), ("a_", "a"), ("Step2-", "step2"), ("-1_", "train"), ("x" * 60, "x" * 40)],
)
def test_a_name_that_nearly_is_one_is_offered(head, better):
    with pytest.raises(SpecError) as caught:
        parse(head)
    assert caught.value.hint.endswith(f": {better}.")
    assert parse(better).name == better
