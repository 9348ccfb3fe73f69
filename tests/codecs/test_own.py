"""Codecs of a team's own: who may register one, who is asked, and that no code comes with bytes."""

from __future__ import annotations

import importlib.metadata
import json
import sys
import types

import pytest

from argovx_lab import codecs, register_codec
from argovx_lab.capture import signature
from argovx_lab.codecs import team
from argovx_lab.errors import CodecError, NotDefinedHere, SpecError


class Clip:
    def __init__(self, samples):
        self.samples = samples


class Clips:
    name, version = "clip", 2

    def accepts(self, value):
        return isinstance(value, Clip)

    def write(self, value, file):
        file.write(bytes(value.samples))

    def read(self, file):
        return Clip(list(file.read()))


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch):
    monkeypatch.setattr(team, "_REGISTERED", {})
    monkeypatch.setattr(team, "_FOUND", {})
    monkeypatch.setattr(team, "_LOOKED", [True])
    monkeypatch.setattr(team, "_BROKEN", set())


def another(**changes):
    return type("Other", (Clips,), changes)


def test_a_registered_codec_is_chosen_by_type_and_named_with_its_version():
    with pytest.raises(CodecError, match="Clip, which no codec carries"):
        codecs.encode(Clip([1]))
    assert register_codec(Clips) is Clips
    encoded = codecs.encode(Clip([1, 2]))
    assert encoded.codec == "clip@2"
    assert encoded.summary == "test_own.Clip (clip@2)" or encoded.summary.endswith("Clip (clip@2)")
    assert codecs.decode(encoded.read(), "clip@2").samples == [1, 2]
    assert codecs.get("clip").name == "clip@2"
    assert "clip" in codecs.names()
    assert signature.parse("a() -> x:clip, y:clip@2").outputs == {"x": "clip", "y": "clip@2"}
    assert codecs.detect([1]).name == "json", "plain data is ours"


def test_each_version_reads_its_own_and_the_newest_writes():
    register_codec(Clips)
    register_codec(another(version=3, read=lambda self, file: "three"))
    assert codecs.encode(Clip([1])).codec == "clip@3"
    assert codecs.decode(b"\x01", "clip@2").samples == [1]
    assert codecs.decode(b"\x01", "clip@3") == "three"
    register_codec(another(read=lambda self, file: "again"))
    assert codecs.decode(b"\x01", "clip@2") == "again", "a cell that was run again"


def test_one_that_is_not_here_is_named_with_what_to_do():
    with pytest.raises(
        NotDefinedHere, match="X cannot be read: the codec clip@2 is not registered here"
    ) as caught:
        codecs.decode(b"", "clip@2", name="X")
    assert "Run the cell that registers it" in caught.value.hint
    with pytest.raises(CodecError, match="'clip' is not a codec"):
        codecs.encode(Clip([]), "clip")
    register_codec(Clips)
    with pytest.raises(NotDefinedHere, match="the codec clip@1 is not here, but clip@2 is"):
        codecs.decode(b"", "clip@1")
    with pytest.raises(SpecError, match="'video' is not a codec"):
        signature.parse("a() -> x:video")
    assert signature.parse("a() -> x:video", any_codec=True).outputs == {"x": "video"}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Clips(), "by its class, not by a"),
        (another(name="numpy"), "'numpy' is a codec of argovx-lab"),
        (another(name="auto"), "'auto' is a codec of argovx-lab"),
        (another(name="Clip Codec"), "has the name 'Clip Codec'"),
        (another(name=None), "has the name None"),
        (another(version="1/2"), "has the version '1/2'"),
        (another(read=None), "has no method read of 1 argument"),
        (another(write=lambda self, value: None), "has no method write of 2 arguments"),
        (
            type("Made", (Clips,), {"__module__": "__main__", "__qualname__": "f.<locals>.Made"}),
            "made inside of f",
        ),
        (another(__init__=lambda self: 1 / 0), "cannot be made: ZeroDivisionError"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_what_is_no_codec_is_refused(kind, reason):
    with pytest.raises(CodecError, match=reason) as caught:
        register_codec(kind)
    assert caught.value.hint


def test_a_mistake_in_a_codec_is_one_line_that_names_it():
    register_codec(
        another(
            write=lambda self, value, file: file.seek(0),
            read=lambda self, file: {}["no\nline"],
            summary=lambda self, value: "many\nlines",
        )
    )
    with pytest.raises(
        CodecError, match="clip cannot travel: the codec Other cannot write it: Unsupp"
    ) as caught:
        codecs.encode(Clip([]), name="clip")
    assert "another version" in caught.value.hint
    with pytest.raises(CodecError, match="the codec Other cannot read it: KeyError") as caught:
        codecs.decode(b"", "clip")
    assert "\n" not in caught.value.message
    assert codecs.describe(Clip([])) == "many lines"
    with pytest.raises(CodecError, match="a list, which the codec clip@2 does not take"):
        codecs.encode([], "clip")
    register_codec(another(accepts=lambda self, value: 1 / 0))
    with pytest.raises(CodecError, match="the codec Other cannot look at a object: ZeroDivisionError"):
        codecs.encode(object())


class Point:
    """Stands for an entry point."""

    value = "clips.codecs:Clips"

    def __init__(self, name, load):
        self.name, self.load = name, load


def broken():
    raise ImportError("no clips")


def test_installed_packages_bring_codecs_which_are_loaded_when_they_are_needed(monkeypatch, caplog):
    loaded = []
    points = [
        Point("clip", lambda: loaded.append(1) or Clips),
        Point("video", broken),
        Point("odd", lambda: another(name="even")),
    ]
    found = types.SimpleNamespace(select=lambda group: points if group == "argovx_lab.codecs" else [])
    monkeypatch.setattr(team, "_LOOKED", [])
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda: found)
    assert codecs.names()[-3:] == ("clip", "video", "odd")
    assert codecs.encode([1]).codec == "json"
    assert not loaded
    with pytest.raises(
        CodecError, match=r"the codec video of the installed clips\.codecs:Clips cannot be loaded"
    ):
        codecs.get("video@1")
    with pytest.raises(CodecError, match="gives a codec called even"):
        codecs.get("odd")
    assert codecs.decode(b"\x05", "clip@2").samples == [5]
    assert codecs.encode(Clip([1])).codec == "clip@2"
    assert "no clips" in caplog.text
    assert loaded == [1]
    assert codecs.get("clip").carried == team.Carried("", ""), "the image has to have it"


def test_a_module_goes_along_by_its_text(monkeypatch):
    register_codec(Clips)
    code = codecs.get("clip").carried.code
    monkeypatch.setattr(team, "_REGISTERED", {})
    for name in ("argovx_adopted_module", Clips.__module__):
        monkeypatch.delitem(sys.modules, name, raising=False)
    exec(code)
    monkeypatch.delitem(sys.modules, Clips.__module__)
    assert type(codecs.decode(b"\x01", "clip@2")).__name__ == "Clip"
    assert codecs.get("clip").carried.code == code, "from one job to the next"


def test_no_bytes_and_no_name_define_anything(tmp_path):
    mark = tmp_path / "executed"
    for name in (f"__import__('os').mkdir({str(mark)!r})", "os.mkdir", "clip@2; import os", "a" * 5000, ""):
        with pytest.raises(CodecError):
            codecs.decode(b"x", name)
    assert not mark.exists()


# Instances of the notebook's classes


def test_an_instance_is_made_without_running_its_class(monkeypatch):
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    exec(INSTANCES, main.__dict__)
    ran = main.ran
    ran.clear()
    for text in (
        "Plain(1, [2])",
        "Slots(1)",
        "Frozen(3)",
        "Row('a')",
        "Pair(1, (2,))",
        "Mode.B",
        "Plain(Slots(1), Mode.A)",
    ):
        value = eval(text, main.__dict__)
        ran.clear()
        encoded = codecs.encode({"it": value})
        assert type(value).__name__ in encoded.needs
        found = codecs.decode(encoded.read(), "data")["it"]
        assert not ran
        assert type(found) is type(value)
        assert repr(found) == repr(value)
    with pytest.raises(CodecError, match="attributes that are no fields \\(extra\\)"):
        codecs.encode(main.odd)
    with pytest.raises(CodecError, match="a combination of members of Bits"):
        codecs.encode(main.Bits.A | main.Bits.B)
    with pytest.raises(CodecError, match="that the notebook no longer has, or that a function made"):
        codecs.encode(main.inside())
    with pytest.raises(CodecError, match="contains itself"):
        codecs.encode(main.circle)
    with pytest.raises(CodecError, match=r"it\.b is a lock"):
        codecs.encode(main.locked)


INSTANCES = """
import enum, threading
from collections import namedtuple
from dataclasses import dataclass, field
from typing import NamedTuple
ran = []
@dataclass
class Plain:
    a: object
    b: object = None
    def __init__(self, a, b=None):
        ran.append('init'); self.a, self.b = a, b
    def __setattr__(self, name, value):
        ran.append(name); object.__setattr__(self, name, value)
@dataclass(slots=True)
class Slots:
    a: int
    def __post_init__(self): ran.append('post')
@dataclass(frozen=True)
class Frozen:
    a: int
class Row(NamedTuple):
    a: str
    b: int = 0
Pair = namedtuple('Pair', 'left right')
class Mode(enum.Enum):
    A = 1
    B = 'b'
class Bits(enum.Flag):
    A = 1
    B = 2
odd = Frozen(1)
odd.__dict__['extra'] = 1
def inside():
    @dataclass
    class Hidden:
        a: int = 1
    return Hidden()
circle = Plain(1)
circle.b = [circle]
locked = Plain(1, threading.Lock())
"""


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"kind": "dataclass", "class": "Absent", "v": []}, "Absent is not defined here"),
        ({"kind": "dataclass", "class": "os.system", "v": []}, "os.system is not defined here"),
        ({"kind": "dataclass", "class": ["x"], "v": []}, "not defined here"),
        ({"kind": "dataclass", "class": "call", "v": [["a", 1]]}, "called call here is no dataclass"),
        ({"kind": "enum", "class": "Frozen", "v": [["a", 1]]}, "called Frozen here is no enum"),
        ({"kind": "dataclass", "class": "Frozen", "v": [["b", 1]]}, "other fields here: a, not b"),
        ({"kind": "dataclass", "class": "Frozen", "v": [["a", 1], ["__class__", 2]]}, "other fields"),
        ({"kind": "enum", "class": "Mode", "v": [["A", 2]]}, "no member 'A' of this value"),
        ({"kind": "enum", "class": "Mode", "v": []}, "not argovx.data"),
    ],
    ids=repr,
)
def test_a_document_makes_nothing_but_the_readers_own_classes(document, reason):
    names = {"call": lambda *_: pytest.fail("it ran")}
    exec(INSTANCES, names)
    data = json.dumps({"schema": "argovx.data/1", "value": {"$": "instance", **document}}).encode()
    with codecs.classes_of(names), pytest.raises(CodecError, match=reason):
        codecs.decode(data, "data")
