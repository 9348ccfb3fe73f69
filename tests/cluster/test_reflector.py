"""The mirror converges whatever the watch does."""

import threading

from argovx_lab.cluster.reflector import Reflector
from argovx_lab.errors import Conflict, Unavailable


def obj(uid, version):
    return {"metadata": {"uid": uid, "resourceVersion": str(version)}}


class Source:
    """Plays a script of lists and watches; blocks at its end."""

    def __init__(self, *script):
        self.script = list(script)
        self.versions = []
        self.done = threading.Event()

    def list_workflows(self, label_selector=""):
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def watch_workflows(self, resource_version):
        self.versions.append(resource_version)
        if not self.script:
            self.done.set()
            threading.Event().wait(30)
            return
        for step in self.script.pop(0):
            if isinstance(step, Exception):
                raise step
            yield step


def follow(*script):
    source = Source(*script)
    reflector = Reflector(source)
    changes = []
    reflector.listen(lambda uids: changes.append(sorted(uids)))
    reflector.start()
    assert source.done.wait(10)
    reflector.stop()
    return reflector, source, changes


def uids(reflector):
    return sorted(o["metadata"]["uid"] for o in reflector.objects)


def test_list_then_watch():
    reflector, source, changes = follow(
        ([obj("a", 1)], "1"),
        [
            ("ADDED", obj("b", 2)),
            ("MODIFIED", obj("a", 3)),
            ("DELETED", obj("b", 4)),
            ("BOOKMARK", obj("", 9)),
        ],
    )
    assert uids(reflector) == ["a"]
    assert source.versions == ["1", "9"]
    assert changes == [["a"], ["b"], ["a"], ["b"]]


def test_gone_lists_again_and_says_only_what_changed():
    reflector, source, changes = follow(
        ([obj("a", 1), obj("b", 1)], "1"),
        [Conflict("too old", status=410, reason="Expired")],
        ([obj("a", 1), obj("c", 5)], "5"),
    )
    assert uids(reflector) == ["a", "c"]
    assert source.versions == ["1", "5"]
    assert changes == [["a", "b"], ["b", "c"]]


def test_a_broken_end_is_stale_until_it_is_back():
    reflector, _, changes = follow(
        Unavailable("down"),
        Unavailable("down"),
        ([obj("a", 1)], "1"),
    )
    assert changes == [[], ["a"]]
    assert reflector.error is None
    assert reflector.stale_s == 0.0


def test_before_the_first_list_it_is_not_synced():
    reflector = Reflector(Source(Unavailable("down")))
    assert not reflector.wait_synced(0)


def test_an_answer_that_nobody_expected_does_not_end_the_mirror():
    reflector, source, changes = follow(
        ([{"metadata": {}}], "1"),
        ([obj("a", 1)], "1"),
        [("ADDED", {"metadata": None})],
        ([obj("b", 2)], "2"),
    )
    assert uids(reflector) == ["b"]
    assert source.versions == ["1", "2"]
    assert changes == [[], ["a"], [], ["a", "b"]]
    assert reflector.error is None
