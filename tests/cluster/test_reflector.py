"""The mirror converges whatever the watch does."""

import threading
import types

from argovx_lab.cluster.reflector import BACKOFF_S, LASTED_S, Reflector
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


class Waits(threading.Event):
    """A stop whose waits take no time: they are written down, and end the mirror after a number of rounds."""

    def __init__(self, rounds):
        super().__init__()
        self.rounds = rounds
        self.pauses = []

    def wait(self, timeout=None):
        self.pauses.append(timeout)
        if len(self.pauses) >= self.rounds:
            self.set()
        return self.is_set()


class Answers:
    """Lists nothing; every watch ends as ``watch`` says, and is counted."""

    def __init__(self, watch):
        self.watch = watch
        self.lists = self.watches = 0

    def list_workflows(self, label_selector=""):
        self.lists += 1
        return [], "1"

    def watch_workflows(self, resource_version):
        self.watches += 1
        if self.watches > 1000:
            raise SystemExit("the mirror spins")
        return self.watch(self.watches)


def rounds(watch, count, monkeypatch):
    """Run the mirror in this thread for a number of rounds; return its pauses without their jitter."""
    monkeypatch.setattr("random.uniform", lambda low, high: 1.0)
    source = Answers(watch)
    reflector = Reflector(source)
    reflector._stop = Waits(count)
    reflector._run()
    return source, reflector._stop.pauses


def backed_off(count):
    return [min(BACKOFF_S[0] * 2**i, BACKOFF_S[1]) for i in range(count)]


def test_watches_that_end_at_once_are_begun_ever_more_seldom(monkeypatch):
    source, pauses = rounds(lambda _: iter(()), 10, monkeypatch)
    assert pauses == backed_off(10)
    assert (source.lists, source.watches) == (1, 10)


def test_a_version_that_is_always_too_old_is_listed_ever_more_seldom(monkeypatch):
    def gone(_):
        raise Conflict("too old", status=410, reason="Expired")

    source, pauses = rounds(gone, 10, monkeypatch)
    assert pauses == backed_off(10)
    assert (source.lists, source.watches) == (10, 10)


def test_bookmarks_alone_are_no_news(monkeypatch):
    _, pauses = rounds(lambda _: iter([("BOOKMARK", obj("", 9))]), 5, monkeypatch)
    assert pauses == backed_off(5)


def test_news_make_the_mirror_quick_again_but_never_without_a_pause(monkeypatch):
    def watch(number):
        return iter([("ADDED", obj("a", number))] if number >= 4 else ())

    _, pauses = rounds(watch, 6, monkeypatch)
    assert pauses == [*backed_off(3), *[BACKOFF_S[0]] * 3]


def test_a_silent_watch_that_lasted_is_no_sign_of_trouble(monkeypatch):
    hours = iter(range(10_000))
    clock = types.SimpleNamespace(monotonic=lambda: next(hours) * LASTED_S)
    monkeypatch.setattr("argovx_lab.cluster.reflector.time", clock)
    _, pauses = rounds(lambda _: iter(()), 4, monkeypatch)
    assert pauses == [BACKOFF_S[0]] * 4


def test_an_error_after_better_times_begins_with_the_shortest_pause(monkeypatch):
    def watch(number):
        if number == 5:
            return iter([("ADDED", obj("a", 5))])
        raise Unavailable("down")

    _, pauses = rounds(watch, 7, monkeypatch)
    assert pauses == [*backed_off(4), BACKOFF_S[0], *[2 * BACKOFF_S[0], 4 * BACKOFF_S[0]]]
