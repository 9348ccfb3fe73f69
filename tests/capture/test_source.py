"""The source document, the archive and the environment of a step."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile

import pytest

from argovx_lab.capture import archive
from argovx_lab.capture.environment import pinned, python_minor
from argovx_lab.capture.source import encode_source, source_document, source_filename
from argovx_lab.errors import SpecError
from argovx_lab.runner import documents


def test_the_document_maps_back_to_the_cell_and_the_runner_reads_it():
    definitions = [{"code": "def f(): pass\n", "notebook_cell": "x", "number": 3}]
    document = source_document(
        "train", "y = 1\n", definitions=definitions, notebook="work/digits.ipynb", cell_id="c", cell_number=7
    )
    assert document["filename"] == "digits.ipynb cell 7 (train)"
    assert document["cell"] == "\ny = 1\n"
    data, digest = encode_source(document)
    assert digest == hashlib.sha256(data).hexdigest()
    assert json.loads(data)["schema"] == "argovx.source/1"
    read = documents.source(data)
    assert read.cell == documents.Code("digits.ipynb cell 7 (train)", "cell 7", "\ny = 1\n")
    assert read.definitions == (documents.Code("digits.ipynb cell 3", "cell 3", "def f(): pass\n"),)


def test_flags_are_no_code_and_equal_cells_have_equal_digests():
    one = encode_source(source_document("a", "x = 1", notebook="n", cell_number=2))
    assert one == encode_source(source_document("a", "x = 1", notebook="n", cell_number=2))
    assert one != encode_source(source_document("a", "x = 2", notebook="n", cell_number=2))


def test_a_cell_of_no_known_notebook_has_a_name_too():
    assert source_filename("train") == "cell (train)"


def test_the_archive_is_the_same_bytes_each_time_and_holds_nothing_else():
    data = archive.runner_archive()
    archive.runner_archive.cache_clear()
    assert archive.runner_archive() == data
    assert archive.runner_digest() == hashlib.sha256(data).hexdigest()
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        names = found.namelist()
        assert names == sorted(names)
        assert {i.date_time for i in found.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {i.compress_type for i in found.infolist()} == {zipfile.ZIP_STORED}
        assert {i.external_attr for i in found.infolist()} == {0o644 << 16}
    roots = {name.split("/")[1] for name in names if name.startswith("argovx_lab/")}
    assert roots == {"__init__.py", "errors.py", "codecs", "runner"}
    assert all(name.endswith(".py") for name in names)


def test_everything_in_the_archive_is_python_3_9_and_imports_only_what_travels():
    import ast

    with zipfile.ZipFile(io.BytesIO(archive.runner_archive())) as found:
        for name in found.namelist():
            tree = ast.parse(found.read(name), feature_version=(3, 9))
            for node in tree.body:  # imports inside functions are for packages of the job's image
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                    allowed = (
                        module.split(".")[0] in sys.stdlib_module_names
                        or module == "argovx_lab"
                        or (
                            module.startswith(("argovx_lab.errors", "argovx_lab.codecs", "argovx_lab.runner"))
                        )
                    )
                    assert allowed, (name, module)


def test_the_archive_prints_its_usage_in_a_python_without_packages(tmp_path):
    path = tmp_path / "runner.pyz"
    path.write_bytes(archive.runner_archive())
    command = [sys.executable, "-I", "-S", str(path), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "--intent-sha256" in done.stdout


def test_pins_are_sorted_and_in_canonical_form():
    assert pinned(["Scikit_Learn==1.4.0", " numpy == 2.0 ", "", "a[b,c]==1!2.0+cu12"]) == (
        "a[b,c]==1!2.0+cu12",
        "numpy==2.0",
        "scikit-learn==1.4.0",
    )


@pytest.mark.parametrize(
    ("item", "advice"),
    [
        ("numpy", "Write numpy=="),
        ("numpy>=1", "Write numpy=="),
        ("no-such-package-here~=1", "Write no-such-package-here==VERSION."),
        ("numpy==1.*", "Write numpy=="),
        ("-r file.txt", "not supported"),
        ("git+https://x/y", "not supported"),
        ("./wheel.whl", "not supported"),
        ("x @ file:///y", "not supported"),
        ("--index-url=http://x", "not supported"),
        ("a==1; python_version<'3'", "Write"),
    ],
)
def test_what_is_no_exact_pin_is_refused(item, advice):
    with pytest.raises(SpecError, match="not an exact pin") as caught:
        pinned([item])
    assert advice in caught.value.hint


def test_two_versions_of_one_package_are_refused():
    with pytest.raises(SpecError, match="required twice"):
        pinned(["a-b==1", "A_b==2"])


def test_the_minor_is_this_pythons():
    assert python_minor() == f"{sys.version_info.major}.{sys.version_info.minor}"
