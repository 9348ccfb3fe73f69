"""Paths in the bucket: below the user's folder, whatever the names."""

import pytest

from argovx_lab.errors import SpecError
from argovx_lab.model.layout import Layout, split_uri

LAYOUT = Layout("bucket-a", "ada", "/lab/")


def test_everything_lies_below_the_users_folder():
    attempt = LAYOUT.attempt("uid-1", "wf-1.train", 2, "0123456789abcdef")
    assert LAYOUT.root == "lab/users/ada/"
    assert attempt.folder == "lab/users/ada/runs/uid-1/wf-1.train/2-01234567/"
    assert attempt.uri == f"gs://bucket-a/{attempt.folder}"
    assert attempt.replica(0, 3) == f"{attempt.folder}r0.3/"
    assert attempt.output("model") == f"{attempt.folder}out/model/"
    assert attempt.folder.startswith(LAYOUT.task("uid-1", "wf-1.train"))
    assert Layout("b", "ada").root == "users/ada/"


def test_a_notebooks_path_never_reaches_the_bucket():
    name = LAYOUT.current_run("../../secret plans.ipynb")
    assert name.startswith("lab/users/ada/notebooks/")
    assert "secret" not in name
    assert name != LAYOUT.current_run("other.ipynb")


@pytest.mark.parametrize(
    "segment", ["", "..", "a/b", "a..b", "../x", ".hidden", "-a", "a\n", "a b", "ä", "x" * 254]
)
def test_a_name_that_could_leave_its_folder_is_refused(segment):
    attempt = LAYOUT.attempt("uid-1", "a", 0, "0" * 32)
    for act in (
        lambda: attempt.output(segment),
        lambda: LAYOUT.task("uid-1", segment),
        lambda: LAYOUT.attempt(segment, "a", 0, "0" * 32),
        lambda: Layout("b", segment).root,
    ):
        with pytest.raises(SpecError, match="cannot be a folder name"):
            act()


def test_a_uri_is_split():
    assert split_uri("gs://bucket-a/a/b c") == ("bucket-a", "a/b c")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "bucket/a",
        "gs://",
        "gs://b",
        "gs://bucket-a",
        "gs://bucket-a/",
        "gs://Bucket/a",
        "s3://bucket-a/a",
    ],
)
def test_what_is_no_storage_uri_is_refused(uri):
    with pytest.raises(SpecError, match="is not a storage URI"):
        split_uri(uri)
