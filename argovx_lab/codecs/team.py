"""Codecs of a team's own: registered in a notebook or a module, or entry points of installed packages.

Owns who is there, by name and version. A codec is a class with ``name``, ``version``, ``accepts(value)``,
``write(value, file)`` and ``read(file)``; it needs nothing of ours. In specs and manifests it is called
``name@version``. Refuses names of ours and classes that lack a method; never takes a codec's code from the
bytes that it reads or from what describes them: who reads must have registered it.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
import re
import sys
import types
from dataclasses import dataclass
from typing import IO, Any, Iterable, Optional

from argovx_lab.codecs.base import NEEDED, Codec, Sink, type_name
from argovx_lab.errors import ArgovxError, CodecError, NotDefinedHere

#: Group of entry points in which installed packages name their codecs: ``audio = "package.module:Class"``.
GROUP = "argovx_lab.codecs"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}\Z", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}\Z", re.ASCII)

#: What a codec's ``name@version`` looks like, also one that is not here.
ID = re.compile(r"[a-z][a-z0-9-]{0,39}(?:@[A-Za-z0-9][A-Za-z0-9._-]{0,19})?\Z", re.ASCII)

_METHODS = {"accepts": 1, "write": 2, "read": 1}

_HERE = "Run the cell that registers it (argovx_lab.register_codec), or install the package that has it."

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Carried:
    """How a registered codec gets into a job.

    Parameters
    ----------
    name : str
        The class's name in the notebook; empty for one that needs no definition of the notebook.
    code : str
        What registers it there; empty for one that the job's image has to have.
    """

    name: str
    code: str


class Team(Codec):
    """A registered class as a codec."""

    about = (
        "what the team's class accepts",
        "as the team's class writes it",
        "what the team's class refuses",
    )

    def __init__(self, kind: type, carried: Carried) -> None:
        self.kind = kind
        self.carried = carried
        self.name = "%s@%s" % (kind.name, version_of(kind))  # type: ignore[attr-defined]
        self._codec: Any = self._guard(kind, "be made")

    def accepts(self, value: Any) -> bool:
        """Ask the class."""
        return bool(self._guard(self._codec.accepts, "look at a %s" % type_name(value), value))

    def summary(self, value: Any) -> str:
        """Ask the class, when it has a word; else name the type."""
        told = getattr(self._codec, "summary", None)
        if told is None:
            return "%s (%s)" % (type_name(value), self.name)
        return " ".join(str(self._guard(told, "describe it", value)).split())[:120]

    def write(self, value: Any, sink: Sink) -> None:
        """Have the class write; the file can be written front to back only."""
        if not self.accepts(value):
            raise CodecError("it is a %s, which the codec %s does not take" % (type_name(value), self.name))
        needed = NEEDED.get()
        if needed is not None and self.carried.name:
            needed.append(self.carried.name)
        self._guard(self._codec.write, "write it", value, sink)

    def load(self, source: IO[bytes]) -> Any:
        """Have the class read."""
        return self._guard(self._codec.read, "read it", source)

    def _guard(self, act: Any, what: str, *given: Any) -> Any:
        try:
            return act(*given)
        except ArgovxError:
            raise
        except Exception as error:
            raise CodecError(
                "the codec %s cannot %s: %s: %.160s"
                % (self.kind.__name__, what, type(error).__name__, " ".join(str(error).split())),
                hint="Mend %s, and give it another version when its bytes change." % self.kind.__name__,
            ) from error


#: Registered codecs by ``name@version``; the last one of a name is the one that writes.
_REGISTERED: dict[str, Team] = {}


def register(kind: Any) -> Any:
    """Register a class as a codec, and return it: also as a decorator.

    The same name and version replaces the earlier class: a cell that is run again.

    Raises
    ------
    CodecError
        When it is no such class.
    """
    _check(kind)
    return _put(kind, _carried(kind))


def adopt(module_name: str, class_name: str, source: str) -> None:
    """Register a codec from its module's text: how one that was registered from a module gets into a job."""
    module = types.ModuleType(module_name)
    module.__file__ = "<module %s>" % module_name
    sys.modules.setdefault(module_name, module)
    exec(compile(source, module.__file__, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    kind = getattr(module, class_name)
    _check(kind)
    _put(kind, Carried("", _adopting(module_name, class_name, source)))


def _put(kind: Any, carried: Carried) -> Any:
    made = Team(kind, carried)
    _REGISTERED.pop(made.name, None)
    _REGISTERED[made.name] = made
    return kind


def version_of(kind: Any) -> str:
    """Return a codec class's version as text; ``1`` where it names none."""
    return str(getattr(kind, "version", 1))


def _check(kind: Any) -> None:
    if not isinstance(kind, type):
        raise CodecError(
            "a codec is registered by its class, not by a %s" % type_name(kind),
            hint="Write argovx_lab.register_codec(NameOfTheClass).",
        )
    name = getattr(kind, "name", None)
    if not isinstance(name, str) or not _NAME.match(name):
        raise CodecError(
            "the codec %s has the name %.40r" % (kind.__name__, name),
            hint="Give it name = '…': small letters, digits and '-', a letter first, at most 40.",
        )
    if not _VERSION.match(version_of(kind)):
        raise CodecError(
            "the codec %s has the version %.40r" % (kind.__name__, version_of(kind)),
            hint="Use a number or a short text: version = 2.",
        )
    for method, count in _METHODS.items():
        if not _takes(getattr(kind, method, None), count + 1):
            raise CodecError(
                "the codec %s has no method %s of %d argument%s"
                % (kind.__name__, method, count, "" if count == 1 else "s"),
                hint="It needs accepts(self, value), write(self, value, file) and read(self, file).",
            )


def _takes(method: Any, count: int) -> bool:
    if not callable(method):
        return False
    try:
        inspect.signature(method).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True


def _carried(kind: type) -> Carried:
    """Return how a class gets into a job: as the notebook's definition, or as its module's text."""
    if kind.__module__ in ("__main__", "__mp_main__"):
        if "." in kind.__qualname__:
            raise CodecError(
                "the codec %s is made inside of %s" % (kind.__name__, kind.__qualname__.rpartition(".")[0]),
                hint="Define it at the top level of a cell.",
            )
        return Carried(kind.__name__, "__import__('argovx_lab').register_codec(%s)\n" % kind.__name__)
    try:
        source = inspect.getsource(sys.modules[kind.__module__])
    except (OSError, TypeError, KeyError):
        return Carried("", "")
    return Carried("", _adopting(kind.__module__, kind.__name__, source))


def _adopting(module: str, name: str, source: str) -> str:
    return "__import__('argovx_lab.codecs.team', fromlist=['adopt']).adopt(%r, %r, %r)\n" % (
        module,
        name,
        source,
    )


def registered() -> tuple[Team, ...]:
    """Return the codecs that are registered, the newest first."""
    return tuple(reversed(list(_REGISTERED.values())))


def find(name: str) -> Optional[Team]:
    """Return the codec of this ``name`` or ``name@version``, from an entry point too; ``None`` for none.

    Raises
    ------
    NotDefinedHere
        When another version is here, but not this one.
    CodecError
        When an installed package has it and cannot be loaded.
    """
    word, _, version = name.partition("@")
    found = _choose(word, version)
    if found is None and word in _entry_points():
        _load(word)
        found = _choose(word, version)
    there = [team.name for team in registered() if team.name.partition("@")[0] == word]
    if found is None and there:
        raise NotDefinedHere("the codec %.60s is not here, but %s is" % (name, ", ".join(there)), hint=_HERE)
    return found


def absent(name: str) -> NotDefinedHere:
    """Return the error for a codec that looks like a team's and is not here."""
    return NotDefinedHere("the codec %.60s is not registered here" % name, hint=_HERE)


def _choose(word: str, version: str) -> Optional[Team]:
    if version:
        return _REGISTERED.get("%s@%s" % (word, version))
    return next((team for team in registered() if team.name.partition("@")[0] == word), None)


def all_of_packages() -> None:
    """Load the codecs of installed packages; one that cannot be loaded is logged and left out."""
    loaded = {team.name.partition("@")[0] for team in registered()}
    for word in _entry_points():
        if word in loaded or word in _BROKEN:
            continue
        try:
            _load(word)
        except CodecError as error:
            _log.warning("%s", error.message)
            _BROKEN.add(word)


def known_words() -> Iterable[str]:
    """Return the names after which a signature may ask: of those registered, and of installed packages."""
    return dict.fromkeys([*_entry_points(), *(team.name.partition("@")[0] for team in registered())])


_FOUND: dict[str, Any] = {}
_LOOKED: list[bool] = []

#: Entry points that could not be loaded: not tried again for every value.
_BROKEN: set[str] = set()


def _entry_points() -> dict[str, Any]:
    """Return the entry points by name; looked up once, never loaded here."""
    if not _LOOKED:
        _LOOKED.append(True)
        points: Any = importlib.metadata.entry_points()
        chosen = points.select(group=GROUP) if hasattr(points, "select") else points.get(GROUP, ())
        _FOUND.update({point.name: point for point in chosen if _NAME.match(point.name)})
    return _FOUND


def _load(word: str) -> None:
    point = _FOUND[word]
    try:
        kind = point.load()
    except Exception as error:
        raise CodecError(
            "the codec %s of the installed %s cannot be loaded: %s: %.160s"
            % (word, point.value, type(error).__name__, error),
            hint="Mend or remove the package.",
        ) from error
    _check(kind)
    if kind.name != word:
        raise CodecError(
            "the entry point %s = %s gives a codec called %s" % (word, point.value, kind.name),
            hint="Give entry point and codec one name.",
        )
    _put(kind, Carried("", ""))
