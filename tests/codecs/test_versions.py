"""The same values under other versions of pandas and numpy: what one wrote, another reads exactly or refuses."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from argovx_lab import codecs

pytestmark = pytest.mark.long

#: Environments by name; ``here`` is the one that runs the tests.
VERSIONS = {
    "pandas 1.5": ["pandas==1.5.3", "numpy==1.26.4", "pyarrow==17.0.0"],
    "pandas 2": ["pandas==2.3.3", "numpy==1.26.4", "pyarrow==17.0.0", "scipy==1.14.1"],
    "numpy 2": ["pandas==2.2.3", "numpy==2.0.2", "pyarrow==17.0.0", "scipy==1.14.1"],
}

#: Values whose bytes are promised to be equal in every version: expressions, with numpy as ``np``.
PROMISED = [
    "np.arange(6.0).reshape(2, 3)",
    "np.asfortranarray(np.arange(6, dtype='>i4').reshape(2, 3))",
    "np.zeros(3, dtype=[('a', '<f4', (2,)), ('ü', 'U3')])",
    "np.array(['a', 'bc'])",
    "np.datetime64('2026-11-24', 's')",
    "np.float32(0.1)",
    "{'a': np.float64(0.1), 'b': (1, {2}), 'c': np.arange(3)}",
    "[1, 2.5, None]",
]

_DIGESTS = "import json, sys; import numpy as np; from argovx_lab import codecs; print(json.dumps([codecs.encode(eval(t)).digest for t in json.loads(sys.argv[1])]))"


@pytest.fixture(scope="module")
def pythons(tmp_path_factory):
    """Name → interpreter."""
    found = {"here": sys.executable}
    for name, packages in VERSIONS.items():
        found[name] = made(tmp_path_factory.mktemp("venv") / "v", packages)
    return found


def made(home: pathlib.Path, packages) -> str:
    """Return the interpreter of a new environment with these packages."""
    uv = pathlib.Path(sys.executable).parent / "uv"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, home], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", home / "bin/python", *packages], check=True)
    return str(home / "bin" / "python")


def run(python, root, *args) -> str:
    env = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-W", "ignore::DeprecationWarning", *args], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.timeout(900)
def test_frames_go_from_any_pandas_to_any_other_exactly_or_are_refused(pythons, pytestconfig, tmp_path):
    script = str(pytestconfig.rootpath / "tests" / "codecs" / "frames.py")
    wrote = {}
    for number, (name, python) in enumerate(pythons.items()):
        (tmp_path / str(number)).mkdir()
        wrote[name] = json.loads(
            run(python, pytestconfig.rootpath, script, "write", str(tmp_path / str(number)))
        )
    exact = refused = 0
    for number, writer in enumerate(pythons):
        for reader, python in pythons.items():
            read = json.loads(run(python, pytestconfig.rootpath, script, "read", str(tmp_path / str(number))))
            for frame, found in read.items():
                if isinstance(found, str):
                    assert reader != writer, (frame, found)
                    assert "written by pandas" in found or "pandas cannot hold it here" in found, (
                        frame,
                        found,
                    )
                    refused += 1
                else:
                    assert core(found) == core(wrote[writer][frame]), (frame, writer, reader)
                    exact += 1
    assert exact > 2 * refused > 0
    assert all(isinstance(wrote["here"][frame], dict) for frame in wrote["here"])


def core(found):
    """Return what does not depend on how a version of numpy or pandas prints its own numbers and dtypes."""
    kept = {key: found[key] for key in ("type", "freq", "attrs", "unique")}
    return {
        **kept,
        "labels": [plain(label) for label in found["labels"]],
        "shape": [len(c) for c in found["values"]],
        "values": [[plain(item) for item in column] for column in found["values"]],
        "index": [plain(item) for item in found["index"]],
    }


def plain(text: str) -> str:
    """Return a repr without the type that numpy 2 puts around its numbers."""
    text = text.partition(", freq=")[0]  # pandas 1.5 prints it with each time
    for kind in (
        "float64",
        "float32",
        "float16",
        "int64",
        "uint8",
        "complex128",
        "complex64",
        "True_",
        "False_",
        "bool_",
    ):
        text = text.replace(f"np.{kind}(", "(")
    return (
        text.replace("np.True_", "True")
        .replace("np.False_", "False")
        .strip("()")
        .replace("(", "")
        .replace(")", "")
    )


@pytest.mark.timeout(600)
def test_promised_digests_are_equal_in_every_version(pythons, pytestconfig):
    here = [codecs.encode(eval(text, {"np": np})).digest for text in PROMISED]
    for name, python in pythons.items():
        assert json.loads(run(python, pytestconfig.rootpath, "-c", _DIGESTS, json.dumps(PROMISED))) == here, (
            name
        )


@pytest.mark.timeout(600)
def test_sparse_matrices_go_from_any_scipy_to_any_other(pythons, pytestconfig):
    code = (
        "import scipy.sparse as sp, numpy as np; from argovx_lab import codecs\n"
        "for f in ('csr', 'csc', 'bsr', 'coo', 'lil', 'dok', 'dia'):\n"
        "    for kind in ('matrix', 'array'):\n"
        "        v = getattr(sp, f + '_' + kind)(np.eye(3, dtype='f4'))\n"
        "        e = codecs.encode(v); r = codecs.decode(e.read(), 'sparse')\n"
        "        assert type(r) is type(v) and (r != v).nnz == 0\n"
        "        print(f, kind, e.digest)\n"
    )
    outputs = {
        run(python, pytestconfig.rootpath, "-c", code)
        for name, python in pythons.items()
        if name != "pandas 1.5"
    }
    assert len(outputs) == 1


@pytest.mark.timeout(600)
def test_boosted_trees_and_polars_come_back_and_damaged_ones_never_crash(pytestconfig, tmp_path):
    python = made(tmp_path / "v", ["xgboost-cpu", "lightgbm", "polars", "scikit-learn", "numpy", "scipy"])
    told = json.loads(
        run(python, pytestconfig.rootpath, str(pytestconfig.rootpath / "tests/codecs/models.py"))
    )
    assert told["exact"] == 7
    assert told["refused"] > 5
