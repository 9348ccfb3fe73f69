"""The cell as a script that is named after it: its ``__main__``, its lines, its processes.

Owns the namespace. A process started by ``spawn`` or ``forkserver`` imports a module of two lines, which runs
definitions and cell once more under the name ``__mp_main__``, as Python does with a script; so functions and
classes of the cell are found there. Nothing of the runner is on ``sys.path``.
"""

from __future__ import annotations

import ast
import builtins
import importlib.machinery
import io
import json
import linecache
import os
import re
import sys
import types
from typing import Any, Optional

from argovx_lab import codecs
from argovx_lab.errors import NotDefinedHere
from argovx_lab.runner.facade import Context, Facade
from argovx_lab.runner.pipe import Sender

#: Name of the module that stands for the cell in processes that start anew.
MODULE = "argovx_cell"

_SPAWNED = """import sys
sys.path.insert(0, {root!r})
from argovx_lab.runner.script import enter
del sys.path[0]
enter(globals(), {folder!r}, {pid}, {fd})
"""

#: Keeps the runner's own main module alive: a module that is collected empties its functions' globals.
_KEPT: list[types.ModuleType] = []


def streams() -> None:
    """Make output appear line by line and never fail for its encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def namespace(task: Any, folder: str, messages_fd: int) -> types.ModuleType:
    """Put a fresh ``__main__`` and the ``argovx`` module in place and clear the path of the runner."""
    archive = sys.path.pop(0) if sys.path else ""
    again = _write_module(folder, messages_fd)
    sys.path[:] = ["", *task["paths"], *(p for p in sys.path if p != archive), again]
    sys.argv = [task["cell"]["filename"]]
    main = types.ModuleType("__main__")
    _dress(main.__dict__, task, Sender(messages_fd))
    main.__spec__ = importlib.machinery.ModuleSpec(MODULE, None)
    _KEPT.append(sys.modules["__main__"])
    sys.modules["__main__"] = main
    return main


def enter(names: dict[str, Any], folder: str, pid: int, messages_fd: int) -> None:
    """Run definitions and cell in a process that starts anew, which knows nothing of the first."""
    with open(os.path.join(folder, "task.json"), encoding="utf-8") as file:
        task = json.load(file)
    streams()
    _dress(names, task, Sender.of_process(pid, messages_fd))
    wanted = _read_by(task)
    given = {name: item for name, item in task["inputs"].items() if name.partition("[")[0] in wanted}
    Inputs(given, folder, names).define(task["definitions"])
    execute(task["cell"], names, show=False)


class Inputs:
    """The inputs of a cell, which lie in a folder.

    What is called ``name[0]``, ``name[1]`` … is a list in the cell: the results of a fan-out. An input of
    a class of the notebook's own, or written by such a codec, is read when the definitions have made that.
    """

    def __init__(self, given: Any, folder: str, names: dict[str, Any]) -> None:
        self.values: dict[str, Any] = {}
        self._given = dict(given)
        self._folder = folder
        self._names = names
        self._members: dict[str, dict[int, Any]] = {}

    def define(self, definitions: Any) -> None:
        """Bind what can be read, run the definitions, and bind the rest.

        Raises
        ------
        CodecError
            When an input cannot be read here.
        """
        self._read(waiting=True)
        for code in definitions:
            if any(re.search(r"\b%s\b" % name.partition("[")[0], code["text"]) for name in self._given):
                self._read(waiting=True)
            execute(code, self._names, show=False)
        self._read(waiting=False)
        self._names.update(self.values)  # a block of definitions may assign too; the inputs are newer

    def _read(self, *, waiting: bool) -> None:
        for name, item in list(self._given.items()):
            try:
                with (
                    open(os.path.join(self._folder, item["path"]), "rb") as file,
                    codecs.classes_of(self._names),
                ):
                    value = codecs.decode(file, item["codec"], name="the input " + name)
            except NotDefinedHere:
                if waiting:
                    continue
                raise
            del self._given[name]
            base, bracket, index = name.partition("[")
            if bracket:
                self._members.setdefault(base, {})[int(index.rstrip("]"))] = value
            else:
                self.values[name] = value
        lists = {base: [found[at] for at in sorted(found)] for base, found in self._members.items()}
        self.values.update(lists)
        self._names.update(self.values)


def execute(code: Any, names: dict[str, Any], *, show: bool) -> None:
    """Run one piece of source under its own file name; shows the value of a last expression."""
    text, filename = code["text"], code["filename"]
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    tree = ast.parse(text, filename)
    last: Optional[ast.Expression] = None
    if show and tree.body and isinstance(tree.body[-1], ast.Expr) and not _silenced(tree.body[-1], text):
        last = ast.Expression(tree.body.pop().value)
    exec(compile(tree, filename, "exec", dont_inherit=True), names)  # noqa: S102  (the user's cell)
    if last is not None:
        value = eval(compile(last, filename, "eval", dont_inherit=True), names)  # noqa: S307
        if value is not None:
            sys.stdout.write("%r\n" % (value,))


def _dress(names: dict[str, Any], task: Any, send: Any) -> None:
    """Give a namespace what every cell finds in it."""
    facade = Facade(send, task["checkpoint_dir"], Context(**task["context"]))
    module = types.ModuleType("argovx", "What a cell calls to be seen while it runs.")
    for name in ("log_metrics", "progress", "checkpoint_dir", "context"):
        module.__dict__[name] = getattr(facade, name)
    module.__dict__["__getattr__"] = facade.__getattr__
    sys.modules["argovx"] = module
    # inspect looks for the lines of a class under the file name of its module
    names.update(__builtins__=builtins, __file__=task["cell"]["filename"], argovx=module, display=_display)


def _display(*values: Any) -> None:
    """Print values, as a notebook's ``display`` does where only text can be shown."""
    for value in values:
        sys.stdout.write("%s\n" % (value if isinstance(value, str) else repr(value),))


def _write_module(folder: str, messages_fd: int) -> str:
    """Write what new processes import; returns the folder to be on their path."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    again = os.path.join(folder, "cell")
    os.makedirs(again, exist_ok=True)
    text = _SPAWNED.format(root=root, folder=folder, pid=os.getpid(), fd=messages_fd)
    with open(os.path.join(again, MODULE + ".py"), "w", encoding="utf-8") as file:
        file.write(text)
    return again


def _read_by(task: Any) -> set[str]:
    """Return the names that a new process may read: all but those in ``if __name__ == "__main__":`` only."""
    found: set[str] = set()
    for code in [*task["definitions"], task["cell"]]:
        waiting: list[ast.AST] = [ast.parse(code["text"], code["filename"])]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.If) and _is_guard(node.test):
                waiting += node.orelse
                continue
            if isinstance(node, ast.Name):
                found.add(node.id)
            waiting += ast.iter_child_nodes(node)
    return found


def _is_guard(test: ast.expr) -> bool:
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = [test.left, *test.comparators]
    names = [side.id for side in sides if isinstance(side, ast.Name)]
    texts = [side.value for side in sides if isinstance(side, ast.Constant)]
    return names == ["__name__"] and texts == ["__main__"]


def _silenced(node: ast.stmt, text: str) -> bool:
    """Tell whether a semicolon follows the last expression, which keeps a notebook from showing it."""
    if node.end_lineno is None or node.end_col_offset is None:
        return False
    last = text.splitlines()[node.end_lineno - 1].encode()
    return last[node.end_col_offset :].lstrip().startswith(b";")
