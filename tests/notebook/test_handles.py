"""Handles: by reference, verified, and one line for any other use."""

import copy
import hashlib
import json
import pickle

import pytest

from argovx_lab.errors import NotFound, OutputsMissing, PolicyDenied, RunError, SpecError
from argovx_lab.notebook.handles import Handle
from argovx_lab.notebook.remote import Told

DATA = b'{"a":1}'
DIGEST = hashlib.sha256(DATA).hexdigest()


MANIFEST = "users/ada/runs/uid-1/e/0-1/manifest.json"
OUTPUT = "users/ada/runs/uid-1/e/0-1/out/o"
FOLDER = "gs://bucket/users/ada/runs/uid-1/"


class Remote:
    """A remote end with one finished step."""

    def __init__(self, phase="Succeeded", data=DATA, digest=DIGEST, **made):
        entry = {"codec": "json", "summary": "dict of 1", "size_bytes": len(DATA), "digest": digest}
        entry.update({"uri": f"{FOLDER}e/0-1/out/o", **made})
        self.declared = "auto"
        self.at = f"{FOLDER}e/0-1/manifest.json"
        self.manifest = json.dumps({"outputs": {"report": entry}}).encode()
        self.pointer = hashlib.sha256(self.manifest).hexdigest()
        self.objects = {MANIFEST: self.manifest, OUTPUT: data}
        self.phase = phase
        self.reads = []

    def told(self, workflow, task):
        assert (workflow, task) == ("evaluate-1", "evaluate")
        pointer = {"uri": self.at, "digest": self.pointer}
        return Told(self.phase, {"manifest": json.dumps(pointer)}, FOLDER, {"report": self.declared})

    def read(self, bucket, name):
        self.reads.append(name)
        if name not in self.objects:
            raise NotFound("gone")
        return self.objects[name]


def handle(remote):
    return Handle(remote, "evaluate", "report", "evaluate-1", "evaluate")


def test_get_brings_the_value_after_a_check():
    assert handle(Remote()).get() == {"a": 1}


def test_a_changed_object_is_refused():
    with pytest.raises(OutputsMissing, match="is not what its manifest says"):
        handle(Remote(data=b'{"a":2}')).get()


def test_a_changed_manifest_is_refused():
    remote = Remote()
    remote.objects[MANIFEST] = remote.manifest.replace(b"dict", b"DICT")
    with pytest.raises(OutputsMissing, match="manifest of step evaluate was changed"):
        handle(remote).get()


def test_what_was_left_out_says_why():
    remote = Remote()
    remote.manifest = json.dumps({"outputs": {}, "left_out": {"report": "it is a lambda. Use def."}}).encode()
    remote.pointer = hashlib.sha256(remote.manifest).hexdigest()
    remote.objects[MANIFEST] = remote.manifest
    with pytest.raises(OutputsMissing, match="was left out of step evaluate: it is a lambda"):
        handle(remote).reference()


def test_a_value_that_is_gone_is_said():
    remote = Remote()
    del remote.objects[OUTPUT]
    with pytest.raises(OutputsMissing, match="gone from the bucket"):
        handle(remote).get()


@pytest.mark.parametrize(("phase", "message"), [("Running", "is not there yet"), ("Failed", "was not made")])
def test_an_unfinished_step_has_no_reference(phase, message):
    with pytest.raises(RunError, match=message):
        handle(Remote(phase=phase)).reference()


@pytest.mark.parametrize(
    ("phase", "said"), [("Running", "is not there yet"), ("Failed", "failed"), ("Stopped", "was stopped")]
)
def test_what_was_not_made_does_not_offer_to_be_brought(phase, said):
    text = repr(handle(Remote(phase=phase)))
    assert said in text
    assert "brings it here" not in text
    with pytest.raises(SpecError) as error:
        handle(Remote(phase=phase)).shape
    assert "brings it here" not in error.value.message


def test_a_reference_names_the_producer_and_the_digest():
    ref = handle(Remote()).reference()
    assert (ref.step, ref.output, ref.digest) == ("evaluate", "report", DIGEST)
    assert ref.manifest == f"gs://bucket/{MANIFEST}"


def test_repr_downloads_only_the_manifest():
    remote = Remote()
    text = repr(handle(remote))
    assert "dict of 1" in text
    assert DIGEST[:8] in text
    assert remote.reads == [MANIFEST]


@pytest.mark.parametrize(
    "use",
    [
        lambda h: h.shape,
        len,
        list,
        lambda h: h["a"],
        lambda h: h + 1,
        lambda h: 1 + h,
        lambda h: h @ h,
        lambda h: h % 2,
        lambda h: h // 2,
        lambda h: 2**h,
        lambda h: h & h,
        lambda h: ~h,
        lambda h: h.__setitem__(0, 1),
        next,
        abs,
        round,
        lambda h: h > 1,
        lambda h: "a" in h,
        bool,
        float,
        lambda h: h(),
        lambda h: __import__("numpy").asarray(h),
        pickle.dumps,
    ],
)
def test_any_other_use_is_one_line_that_says_what_it_is(use):
    with pytest.raises(SpecError) as error:
        use(handle(Remote()))
    assert "report" in error.value.message
    assert "\n" not in error.value.message


def test_the_line_of_the_architecture():
    with pytest.raises(SpecError) as error:
        handle(Remote()).shape
    assert error.value.message == (
        "report is a result of step evaluate (dict of 1); report.get() brings it here."
    )


def test_handles_compare_by_execution_and_name():
    assert handle(Remote()) == handle(Remote())
    assert handle(Remote()) != Handle(Remote(), "evaluate", "other", "evaluate-1", "evaluate")
    assert len({handle(Remote()), handle(Remote())}) == 1
    with pytest.raises(SpecError):
        copy.copy(handle(Remote()))


@pytest.mark.parametrize(
    "uri",
    [
        "gs://mallory/x",
        "gs://bucket/users/mallory/runs/uid-1/e/0-1/out/o",
        "gs://bucket/users/ada/runs/uid-2/e/0-1/out/o",
        FOLDER + "e/0-1/../../../o",
        FOLDER + "e/0-2/out/o",
    ],
)
def test_what_lies_in_another_folder_is_not_believed(uri):
    remote = Remote(uri=uri)
    with pytest.raises(PolicyDenied, match="outside of its own folder"):
        handle(remote).get()


def test_a_manifest_in_another_folder_is_not_even_read():
    remote = Remote()
    remote.at = "gs://mallory/manifest.json"
    with pytest.raises(PolicyDenied, match="outside of its own folder"):
        handle(remote).get()
    assert remote.reads == []


@pytest.mark.parametrize(("declared", "made"), [("auto", "pickle"), ("json", "pickle"), ("json", "text")])
def test_another_codec_than_was_declared_is_refused(declared, made):
    remote = Remote(codec=made)
    remote.declared = declared
    with pytest.raises(PolicyDenied, match=f"is {made}, but was declared {declared}"):
        handle(remote).get()
