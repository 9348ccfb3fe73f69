"""Scikit-learn models by skops: the same predictions, equal bytes, no foreign types."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from argovx_lab import codecs
from argovx_lab.errors import CodecError

X, y = load_iris(return_X_y=True)

MODELS = [
    LogisticRegression(max_iter=500),
    make_pipeline(StandardScaler(), SVC()),
    RandomForestClassifier(3, random_state=0),
    GradientBoostingClassifier(n_estimators=2, random_state=0),
    HistGradientBoostingClassifier(max_iter=2),
    SGDClassifier(random_state=0),
    KNeighborsClassifier(),
    DecisionTreeClassifier(random_state=0),
    KMeans(2, random_state=0, n_init=1),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_model_comes_back_and_predicts_the_same(model):
    model.fit(X, y)
    encoded = codecs.encode(model)
    assert encoded.codec == "sklearn"
    assert encoded.summary == f"{type(model).__name__} (scikit-learn)"
    assert codecs.encode(model).digest == encoded.digest
    found = codecs.decode(encoded.read(), "sklearn")
    assert type(found) is type(model)
    assert np.array_equal(found.predict(X), model.predict(X))


def test_equal_models_of_two_processes_have_equal_digests():
    code = (
        "from sklearn.datasets import load_iris\n"
        "from sklearn.ensemble import RandomForestClassifier\n"
        "from argovx_lab import codecs\n"
        "X, y = load_iris(return_X_y=True)\n"
        "print(codecs.encode(RandomForestClassifier(3, random_state=0).fit(X, y)).digest)\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in "ab"
    ]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout.strip()) == 64


def double(v):
    return v * 2


class Mine(LogisticRegression):
    pass


@pytest.mark.parametrize("model", [FunctionTransformer(double), Mine()], ids=["function", "subclass"])
def test_a_model_with_foreign_code_is_refused_with_the_way_out(model):
    with pytest.raises(CodecError) as caught:
        codecs.encode(model, name="model")
    assert caught.value.message.startswith("model cannot travel: ")
    assert "model:pickle" in caught.value.hint


def test_without_skops_the_refusal_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    monkeypatch.setitem(sys.modules, "skops", None)
    with pytest.raises(CodecError, match="skops") as caught:
        codecs.encode(LogisticRegression(), name="model")
    assert "--requirements skops==" in caught.value.hint
    assert "model:pickle" in caught.value.hint


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("subprocess", "Popen"),
        ("numpy.testing", "rundocs"),
        ("numpy.f2py", "compile"),
    ],
)
def test_an_archive_that_names_a_foreign_function_is_refused_before_it_is_loaded(module, name):
    model = FunctionTransformer(np.log1p)
    data = codecs.encode(model).read()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        schema = json.loads(source.read("schema.json"))
        node = schema["content"]["content"]["func"]
        node.clear()
        node.update(
            {
                "__class__": name,
                "__module__": module,
                "__loader__": "FunctionNode",
                "__id__": 99,
                "content": {"module_path": module, "function": name},
            }
        )
        target.writestr("schema.json", json.dumps(schema))
    with pytest.raises(CodecError, match="not trusted"):
        codecs.decode(out.getvalue(), "sklearn")
