"""Datasets from a kernel: put, look, compare, and an alias that moves."""

import pytest


def test_a_version_is_put_once_shown_compared_and_named(kernel, sandbox, tmp_path):
    kernel.good("import pandas as pd, pathlib\nframe = pd.DataFrame({'x': [1.0, 2.0], 'y': ['a', 'b']})")
    assert "iris@1 · " in kernel.good("%argovx dataset put iris frame")
    assert "the same was put by ada" in kernel.good("%argovx dataset put iris frame")
    kernel.good("frame['x'] = [1.0, 2.5]\nframe['z'] = 0")
    assert "iris@2 · " in kernel.good("%argovx dataset put iris frame")
    text = kernel.good("%argovx dataset diff iris@1 iris@2")
    assert "shape 2×2 → 2×3" in text
    assert "columns new: z" in text
    assert "column x: 1 of 2 elements differ, max abs difference 0.5" in text
    assert "iris@stable is iris@1 now" in kernel.good("%argovx dataset alias iris@1 stable")
    assert "iris@stable is iris@2 now; it was 1" in kernel.good("%argovx dataset alias iris@2 stable")
    text = kernel.good("%argovx dataset show iris")
    assert "by ada: from 1 to 2" in text
    assert "iris@2 · 2 versions" in kernel.good("%argovx dataset list")

    kernel.good("folder = pathlib.Path('raw')\nfolder.mkdir()\n(folder / 'a.csv').write_text('1,2')")
    assert "raw@1 · folder raw" in kernel.good("%argovx dataset put raw ./raw")
    kernel.good("(folder / 'b.csv').write_text('3')")
    kernel.good("%argovx dataset put raw raw")
    assert "+ b.csv · 1 B" in kernel.good("%argovx dataset diff raw@1 raw@2")
    assert "file     a.csv · 3 B" in kernel.good("%argovx dataset show raw@2")

    own = f"gs://{sandbox.profile.bucket}/{sandbox.profile.layout.root}in/"
    for name, data in (("a.csv", b"1,2"), ("deep/c.csv", b"5")):
        sandbox.objects.create(sandbox.profile.bucket, f"{sandbox.profile.layout.root}in/{name}", data)
    assert "two@1 · folder in · 2 files" in kernel.good(f"%argovx dataset put two {own}")
    assert "one@1 · int" in kernel.good(f"%argovx dataset put one {own}deep/c.csv --codec json")
    text = kernel.bad(f"%argovx dataset put one {own}a.csv --codec arrow")
    assert "a.csv cannot be read" in text


@pytest.mark.long
def test_what_is_wrong_is_one_line_and_puts_nothing(patient_kernel):
    kernel = patient_kernel
    kernel.good("def double(x):\n    return 2 * x\ntoken = 'AKIA' + 'ABCDEFGHIJKLMNOP'")
    for line, message in (
        ("", "needs a word"),
        ("putt x y", "Did you mean put?"),
        ("put x", "takes 2 arguments"),
        ("put X y", "cannot name a dataset"),
        ("put x nothing_here", "neither a variable of this kernel nor a file or folder"),
        ("put x gs://", "is not a storage URI"),
        ("put x double", "would run what somebody else wrote"),
        ("show none", "there is no dataset none"),
        ("diff none@1 none@2", "there is no none@1"),
        ("alias none@1 stable", "there is no none@1"),
        ("list --codec json", "takes no --codec"),
        ("put x double --codec nope", "'nope' is not a codec"),
    ):
        text = kernel.bad(f"%argovx dataset {line}")
        assert message in text, (line, text)
        assert "Traceback" not in text
    assert "looks like a secret" in kernel.bad("%argovx dataset put x token")
    assert "there is no dataset x" in kernel.bad("%argovx dataset show x")
