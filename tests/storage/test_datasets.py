"""Versions that are written once, aliases that move: with two writers, lost answers and damaged objects."""

import io
import json
import threading

import pytest

from argovx_lab.errors import Conflict, OutputsMissing, RemoteError, SpecError
from argovx_lab.model.dataset import parse
from argovx_lab.model.layout import Layout
from argovx_lab.storage.datasets import Content, Datasets

LAYOUT = Layout("b", "ada", "team")


def store(objects, by="ada"):
    return Datasets(objects, LAYOUT, by=by, now=lambda: "2026-11-24T09:00:00Z")


def put(objects, data, name="iris", **about):
    return store(objects, **about).put(name, Content(io.BytesIO(data), "bytes", "bytes"), "variable x")


def test_the_same_content_is_the_same_version_and_another_the_next(objects, bucket):
    first, new = put(objects, b"one")
    assert (first.text, new) == ("iris@1", True)
    assert put(objects, b"one", by="eve") == (first, False)
    second, _ = put(objects, b"two")
    assert second.text == "iris@2"
    assert put(objects, b"one") == (first, False)
    assert store(objects).numbers("iris") == [1, 2]
    places = {name.removeprefix("team/datasets/iris/").partition("/")[0] for name in bucket.objects}
    assert places == {"objects", "versions", first.manifest, second.manifest}


def test_a_version_is_found_by_number_alias_digest_or_as_the_newest(objects):
    first, _ = put(objects, b"one")
    second, _ = put(objects, b"two")
    here = store(objects)
    here.aliases.move("iris", "stable", first)
    for text, found in (
        ("iris", second),
        ("iris@1", first),
        ("iris@stable", first),
        (f"iris@sha256:{second.manifest[:8]}", second),
    ):
        assert here.find(parse(text)) == found


@pytest.mark.parametrize("text", ["iris@9", "iris@stable", "iris@sha256:00000000", "other", "other@1"])
def test_what_is_not_there_is_said_with_what_is(objects, text):
    put(objects, b"one")
    with pytest.raises(SpecError, match=r"there is no|no version is") as error:
        store(objects).find(parse(text))
    assert error.value.hint


def test_two_that_put_at_once_get_two_numbers_or_one_for_the_same(objects):
    found, start = [], threading.Barrier(4)

    def go(data):
        start.wait()
        found.append(put(objects, data))

    threads = [threading.Thread(target=go, args=(data,)) for data in (b"a", b"b", b"a", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store(objects).numbers("iris") == [1, 2, 3]
    assert sorted(version.number for version, new in found if new) == [1, 2, 3]
    (same,) = [version for version, new in found if not new]
    assert [version.number for version, _ in found].count(same.number) == 2


def test_a_number_that_is_taken_between_look_and_write_is_passed_over(objects, bucket):
    other = store(objects, "eve")
    put(objects, b"zero")
    mine = store(objects)
    plain, done = mine.numbers, []

    def slow(name):
        found = plain(name)
        if not done:
            done.append(True)
            other.put("iris", Content(io.BytesIO(b"hers"), "bytes", "bytes"), "x")
        return found

    mine.numbers = slow
    version, new = mine.put("iris", Content(io.BytesIO(b"mine"), "bytes", "bytes"), "x")
    assert (version.number, new, mine.version("iris", 2).by) == (3, True, "eve")


@pytest.mark.parametrize("before", [0, 1, 2])  # the bytes, the manifest, the number
@pytest.mark.parametrize("fault", ["lost", "reset", 503])
def test_a_lost_answer_makes_no_second_version(objects, bucket, before, fault):
    bucket.fault("POST", None, times=before)
    bucket.fault("POST", fault)
    version, new = put(objects, b"one")
    assert (version.number, new) == (1, True)
    assert put(objects, b"one") == (version, False)
    assert len([line for line in bucket.requests if line.startswith("POST")]) > 3
    assert store(objects).numbers("iris") == [1]


def test_what_is_cut_off_in_the_middle_leaves_no_version(objects, bucket):
    version, _ = put(objects, b"one")
    del bucket.objects[LAYOUT.dataset("iris").version(1)]
    assert store(objects).numbers("iris") == []
    again, new = put(objects, b"one")
    assert (again.number, again.manifest, new) == (1, version.manifest, True)


def test_an_alias_moves_by_compare_and_swap_and_remembers(objects):
    first, _ = put(objects, b"one")
    second, _ = put(objects, b"two")
    here, there = store(objects), store(objects, "eve")
    assert here.aliases.move("iris", "stable", first)[1] is True
    assert here.aliases.move("iris", "stable", first)[1] is False
    there.aliases.move("iris", "stable", second)
    history = here.aliases.get("iris", "stable").history
    assert [(move.by, move.before, move.after) for move in history] == [("ada", 0, 1), ("eve", 1, 2)]


def test_of_two_moves_at_once_the_second_is_refused_and_says_so(objects, bucket):
    first, _ = put(objects, b"one")
    second, _ = put(objects, b"two")
    here, there = store(objects), store(objects, "eve")
    look = here.aliases._look

    def slow(name, alias):
        found = look(name, alias)
        there.aliases.move("iris", "stable", second)
        return found

    here.aliases._look = slow
    with pytest.raises(Conflict, match="moved by somebody else"):
        here.aliases.move("iris", "stable", first)
    assert there.aliases.get("iris", "stable").number == 2


def test_a_version_that_is_gone_or_cut_is_refused(objects, bucket):
    version, _ = put(objects, b"one" * 100)
    here, place = store(objects), LAYOUT.dataset("iris")
    found = here.manifest(version)
    name = place.object(found.digest)
    whole = bucket.objects[name]
    bucket.store({"name": name, "metadata": whole["about"]["metadata"]}, b"one")
    with pytest.raises(OutputsMissing, match="bytes are not in the bucket any more"):
        here.manifest(version)
    bucket.objects[name] = {"about": {**whole["about"], "size": "3"}, "data": b"one"}
    with pytest.raises(OutputsMissing, match=r"its bytes are 3, not 300"):
        here.manifest(version)
    bucket.objects[name] = {"about": whole["about"], "data": b"two" * 100}
    with pytest.raises(RemoteError, match="checksum"):
        here.download(found, io.BytesIO())
    del bucket.objects[place.manifest(version.manifest)]
    with pytest.raises(OutputsMissing, match="manifest is not in the bucket"):
        here.manifest(version)


def test_a_changed_manifest_or_an_alias_of_another_content_is_refused(objects, bucket):
    version, _ = put(objects, b"one")
    here, place = store(objects), LAYOUT.dataset("iris")
    here.aliases.move("iris", "stable", version)
    alias = bucket.objects[place.alias("stable")]
    alias["data"] = json.dumps({**json.loads(alias["data"]), "manifest": "0" * 64}).encode()
    alias["about"] = bucket.store({"name": place.alias("stable")}, alias["data"])
    with pytest.raises(SpecError, match="names another content"):
        here.find(parse("iris@stable"))
    bucket.store({"name": place.manifest(version.manifest)}, b"{}")
    with pytest.raises(SpecError, match="is not version"):
        here.manifest(version)


@pytest.mark.parametrize("codec", ["pickle", "function"])
def test_nothing_that_runs_when_it_is_read_is_put(objects, bucket, codec):
    with pytest.raises(SpecError, match="would run what somebody else wrote"):
        store(objects).put("iris", Content(io.BytesIO(b"x"), codec, ""), "x")
    assert bucket.objects == {}


def test_folders_that_others_keep_there_are_no_datasets(objects, bucket):
    put(objects, b"one")
    bucket.store({"name": "team/datasets/Some Folder/x"}, b"")
    bucket.store({"name": "team/datasets/iris/versions/readme.txt"}, b"")
    bucket.store({"name": "team/datasets/iris/aliases/no.json"}, b"{}")
    here = store(objects)
    assert list(here.names()) == ["iris"]
    assert here.numbers("iris") == [1]
    assert here.aliases.all("iris") == {}
