"""Runs notebooks twice: top to bottom as a kernel does, and each cell alone with its declared inputs.

A process of its own: one JSON request a line on standard input, one answer a line on standard output. It
imports the heavy libraries once and forks. For a notebook, one child runs it in an IPython shell; before
each cell it asks the analysis, as the magic does, and encodes the declared inputs with the codecs that a step
uses (by cloudpickle where these refuse: then a step would be refused, and only the analysis is judged).
Then each cell runs in a child of the pristine process, which has never seen the notebook, in a namespace
that holds those inputs and what the travelling definitions make. The namespace records what is read.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import io
import json
import os
import pickle
import signal
import sys
import tempfile
import types
import warnings
from pathlib import Path
from types import SimpleNamespace

import cloudpickle

from argovx_lab import codecs
from argovx_lab.capture.analyse import analyse_cell
from argovx_lab.capture.cells import python_text
from argovx_lab.errors import CodecError
from argovx_lab.notebook.cells import definitions
from argovx_lab.runner.script import execute

#: Longest run of a notebook or a cell. Unit: seconds.
LIMIT_S = 60


class Names(dict):
    """A namespace that knows which names were read, by functions too.

    A class body reads past it: what the body mentions counts as read.
    """

    def __init__(self, **names):
        super().__init__(names)
        self.seen = set()

    def __getitem__(self, name):
        self.seen.add(name)
        return super().__getitem__(name)


class Main(types.ModuleType):
    """A ``__main__`` whose names are ``Names``."""

    names: Names

    @property
    def __dict__(self):
        return self.names

    def __getattr__(self, name):
        try:
            return self.names[name]
        except KeyError:
            raise AttributeError(name) from None


def main():
    for name in json.loads(sys.argv[1]):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    sys.path[:] = [item for item in sys.path if item != str(Path(__file__).parent)]
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryDirectory(prefix="argovx-replay-") as folder:
            cells = replay(request["cells"], Path(folder), request.get("change") or {})
        answers.write(json.dumps(cells) + "\n")
        answers.flush()


def replay(cells, folder, change):
    """Return a report for each cell; ``change`` spoils the analysis, which proves that this can tell."""
    ended = forked(lambda: session(cells, folder, change), folder)
    reports = []
    for number in range(1, len(cells) + 1):
        file = folder / f"{number}.before"
        if not file.exists():
            reports.append({"session": f"never reached: {ended}"})
            continue
        record = pickle.loads(file.read_bytes())
        after = folder / f"{number}.after"
        record["report"].update(json.loads(after.read_text()) if after.exists() else {"session": ended})
        report = record["report"]
        if not report["problems"] and report["session"] == "":
            result = folder / f"{number}.alone"
            ended_alone = forked(lambda file=record, to=result: alone(file, to), folder)
            report["alone"] = json.loads(result.read_text()) if result.exists() else {"error": ended_alone}
        reports.append(report)
    return reports


def forked(act, folder):
    """Run something in a child, in a folder of its own; returns how it ended, empty when well."""
    place = Path(tempfile.mkdtemp(dir=folder))
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        return "" if status == 0 else f"ended with {os.waitstatus_to_exitcode(status)}"
    try:
        signal.alarm(LIMIT_S)
        os.chdir(place)
        warnings.simplefilter("ignore")
        act()
        os._exit(0)
    except BaseException as error:  # noqa: BLE001  (it is told by its exit code)
        sys.stderr.write(f"replay: {type(error).__name__}: {error}\n")
        os._exit(70)


# As a kernel does


def session(cells, folder, change):
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell = type("Shell", (InteractiveShell,), {"enable_gui": lambda *_: None}).instance(config=config)
    history = [""]
    for number, text in enumerate(cells, 1):
        history.append(text)
        record = look(text, number, shell, history, change)
        (folder / f"{number}.before").write_bytes(pickle.dumps(record))
        before = marks(shell.user_ns)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = shell.run_cell(text, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        told = {"session": said(error) if error else "", "outputs": {}, "changed": []}
        if not error:
            now = marks(shell.user_ns)
            told["outputs"] = {name: now.get(name, "nothing") for name in record["report"]["outputs"]}
            told["changed"] = sorted(
                name
                for name in before
                if name in now and before[name] != now[name] and not is_code(shell.user_ns[name])
            )
        (folder / f"{number}.after").write_text(json.dumps(told))


def look(text, number, shell, history, change):
    """Return what the analysis says of a cell, and its inputs as bytes."""
    known = definitions(
        SimpleNamespace(
            history_manager=SimpleNamespace(input_hist_raw=history),
            user_ns=shell.user_ns,
            user_ns_hidden=shell.user_ns_hidden,
        )
    )
    body = python_text(text)
    found = analyse_cell(body[0] if body else text, known, first_line=body[1] if body else 1)
    names = [n for n in found.inputs if n != change.get("without")]
    names += [n for n in [change.get("with")] if n in shell.user_ns and n not in names]
    needed = [n for n in found.definitions if n != change.get("without")]
    report = {
        "inputs": names,
        "outputs": list(found.outputs),
        "definitions": needed,
        "problems": [problem.text for problem in found.problems],
        "notes": [note.text for note in found.notes],
        "refused": {},
        "sizes": {},
    }
    inputs = {}
    for name in names if not found.problems else ():
        inputs[name], refusal = packed(shell.user_ns[name]) if name in shell.user_ns else (None, "missing")
        report["sizes"][name] = len(inputs[name][1]) if inputs[name] else 0
        if refusal:
            report["refused"][name] = refusal
    code = [item["code"] for item in known.code(needed)]
    cell = "\n" * ((body[1] if body else 1) - 1) + (body[0] if body else text)
    return {"report": report, "inputs": inputs, "definitions": code, "cell": cell}


def packed(value):
    try:
        with contextlib.closing(codecs.encode(value)) as encoded:
            return (encoded.codec, encoded.read()), ""
    except CodecError as error:
        with contextlib.suppress(Exception):
            return ("", cloudpickle.dumps(value)), error.message
        return None, error.message


def unpacked(item):
    return codecs.decode(item[1], item[0]) if item[0] else cloudpickle.loads(item[1])


# As a job does


def alone(record, result):
    """Run one cell with nothing but its declared inputs."""
    values = {name: unpacked(item) for name, item in record["inputs"].items() if item is not None}
    again = {name: unpacked(item) for name, item in record["inputs"].items() if item is not None}
    names = Names(__name__="__main__")
    facade = types.ModuleType("argovx")
    facade.log_metrics = facade.progress = lambda *_, **__: None
    sys.modules["argovx"] = facade
    names.update(__builtins__=__builtins__, __file__="cell", argovx=facade, display=lambda *_: None)
    stage = Main("__main__")
    stage.names = names
    sys.modules["__main__"] = stage
    error = ""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            names.update(values)
            for number, code in enumerate(record["definitions"]):
                execute({"text": code, "filename": f"definitions {number}"}, names, show=False)
            names.update({name: value for name, value in again.items() if name in values})
            execute({"text": record["cell"], "filename": "the cell"}, names, show=True)
        except BaseException as raised:  # noqa: BLE001  (it is what is looked for)
            error = said(raised)
    told = {
        "error": error,
        "outputs": {n: mark(names.get(n)) if n in names else "nothing" for n in record["report"]["outputs"]},
        "read": sorted((names.seen | in_classes(record)) & set(record["inputs"])),
    }
    result.write_text(json.dumps(told))


def in_classes(record):
    """Return the names that stand in class bodies."""
    trees = [ast.parse(code) for code in (*record["definitions"], record["cell"])]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {node.id for made in classes for node in ast.walk(made) if isinstance(node, ast.Name)}


def said(error):
    return f"{type(error).__name__}: {error}"[:300]


# When two values are the same


def marks(names):
    skip = ("In", "Out", "exit", "quit", "get_ipython", "open")
    return {
        name: mark(value)
        for name, value in names.items()
        if not name.startswith("_") and name not in skip and not isinstance(value, types.ModuleType)
    }


def is_code(value):
    """Tell whether a value is a function, with its wrappers, or a class: it travels by its source."""
    return isinstance(value, type) or isinstance(getattr(value, "__wrapped__", value), types.FunctionType)


def mark(value):
    """Return a digest of what a value is: by its codec, or by its parts where no codec takes it."""
    try:
        with contextlib.closing(codecs.encode(value)) as encoded:
            return f"{encoded.codec}:{encoded.digest[:24]}"
    except (CodecError, RecursionError):
        return "parts:" + hashlib.sha256(repr(parts(value, ())).encode()).hexdigest()[:24]


def parts(value, above):
    """Return a value as nested tuples that hold no addresses."""
    kind = type(value)
    if id(value) in above:
        return ("again", len(above) - above.index(id(value)))
    above = (*above, id(value))
    if isinstance(value, types.FunctionType):
        cells = tuple(parts(cell.cell_contents, above) for cell in value.__closure__ or ())
        return ("function", value.__name__, value.__code__.co_code, value.__code__.co_names, cells)
    if isinstance(value, type):
        own = sorted(n for n in vars(value) if not n.startswith("__"))
        return ("class", value.__name__, tuple(own))
    if isinstance(value, dict):
        return (kind.__name__, tuple((repr(k), parts(v, above)) for k, v in value.items()))
    if isinstance(value, (set, frozenset)):
        return (kind.__name__, tuple(sorted(repr(parts(v, above)) for v in value)))
    if isinstance(value, (list, tuple)) or kind.__name__ == "deque":
        return (kind.__name__, tuple(parts(v, above) for v in value))
    if hasattr(value, "tobytes") and hasattr(value, "dtype"):
        return (kind.__name__, str(value.dtype), repr(value) if value.dtype == object else value.tobytes())
    if kind.__module__ in ("builtins", "datetime", "decimal", "fractions", "pathlib"):
        return (kind.__name__, repr(value) if " at 0x" not in repr(value) else "")
    if kind.__module__.startswith("pandas"):
        return (kind.__name__, repr(value))
    names = getattr(value, "__dict__", None)
    return (kind.__qualname__, parts(dict(names), above) if names is not None else "")


if __name__ == "__main__":
    main()
