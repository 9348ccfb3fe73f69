"""The process in which the cell runs: inputs by name, definitions, the cell, outputs as files.

Everything the user's code sees is arranged here: the namespace is ``__main__``, tracebacks and
`inspect` find the lines of the notebook, ``argovx`` is importable, nothing of the runner is on
``sys.path``. Refuses to hand out outputs that were not assigned.
"""

from __future__ import annotations

import ast
import builtins
import faulthandler
import io
import json
import linecache
import os
import signal
import sys
import types
from typing import Any, Optional

from argovx_lab import codecs
from argovx_lab.errors import ArgovxError, OutputsMissing
from argovx_lab.runner.facade import Facade
from argovx_lab.runner.messages import now_text
from argovx_lab.runner.trace import full, of_disk, plain, record

#: Largest JSON value that goes into the manifest itself. Unit: characters of JSON.
VALUE_MAX = 1024

_PR_SET_PDEATHSIG = 1


def run(folder: str, messages_fd: int, parent: int) -> int:
    """Run what ``folder/task.json`` says and leave ``folder/result.json``; returns the exit code."""
    _die_with(parent)
    os.set_inheritable(messages_fd, False)
    with open(os.path.join(folder, "task.json"), encoding="utf-8") as file:
        task = json.load(file)
    _streams()
    main = _namespace(task, messages_fd)
    labels = {code["filename"]: code["label"] for code in [*task["definitions"], task["cell"]]}
    try:
        inputs = _inputs(task, folder)
        main.__dict__.update(inputs)
        for code in task["definitions"]:
            _execute(code, main.__dict__, show=False)
        main.__dict__.update(inputs)  # a block of definitions may assign too; the inputs are newer
        _execute(task["cell"], main.__dict__, show=True)
        _flush()
        result = {"outputs": _outputs(task, folder, main.__dict__), "error": None}
        code = 0
    except ArgovxError as error:
        message = error.message + (". " + error.hint if error.hint else "")
        result, code = {"outputs": {}, "error": plain(error.name, message)}, 1
        sys.stderr.write("argovx: %s\n" % message)
    except SystemExit as stop:
        result, code = _system_exit(stop, task, folder, main.__dict__, labels)
    except BaseException as error:  # noqa: BLE001  (whatever the user's code raises is its outcome)
        result, code = {"outputs": {}, "error": record(error, labels)}, 1
        sys.stderr.write(full(error))
    _flush()
    try:
        _write(os.path.join(folder, "result.json"), result)
    except OSError as error:  # the last word must be said: make room for it
        _make_room(folder)
        told = result["error"] or of_disk(error, "the result could not be written")
        _write(os.path.join(folder, "result.json"), {"outputs": {}, "error": told})
        code = code or 1
    return code


def _make_room(folder: str) -> None:
    for name in os.listdir(folder):
        if name.startswith(("output-", "input-", "result.")):
            os.unlink(os.path.join(folder, name))


def _system_exit(
    stop: SystemExit, task: Any, folder: str, names: dict[str, Any], labels: dict[str, str]
) -> tuple[dict[str, Any], int]:
    """Treat ``sys.exit()`` and ``sys.exit(0)`` as the end of the cell, any other as its failure."""
    if stop.code in (None, 0):
        try:
            return {"outputs": _outputs(task, folder, names), "error": None}, 0
        except ArgovxError as error:
            message = "%s. %s The cell ended early, by sys.exit." % (error.message, error.hint)
            return {"outputs": {}, "error": plain(error.name, message)}, 1
    told = record(stop, labels)
    if type(stop.code) is int:
        told["message"] = "the cell called sys.exit(%d)" % stop.code
        return {"outputs": {}, "error": told}, (stop.code & 0xFF) or 1
    sys.stderr.write("%s\n" % (stop.code,))
    told["message"] = "the cell called sys.exit: %.500s" % (stop.code,)
    return {"outputs": {}, "error": told}, 1


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the runner is gone (Linux; elsewhere it stays)."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _streams() -> None:
    """Make output appear line by line and never fail for its encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    faulthandler.enable()


def _namespace(task: Any, messages_fd: int) -> types.ModuleType:
    """Put a fresh ``__main__`` and the ``argovx`` module in place and clear the path of the runner."""
    archive = sys.path.pop(0) if sys.path else ""
    sys.path[:] = ["", *task["paths"], *(p for p in sys.path if p != archive)]
    sys.argv = [task["cell"]["filename"]]
    facade = Facade(_sender(messages_fd))
    module = types.ModuleType("argovx", "What a cell calls to be seen while it runs.")
    module.__dict__.update(log_metrics=facade.log_metrics, progress=facade.progress)
    module.__dict__["__getattr__"] = facade.__getattr__
    sys.modules["argovx"] = module
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, argovx=module, display=_display)
    _KEPT.append(sys.modules["__main__"])
    sys.modules["__main__"] = main
    return main


#: Keeps the runner's own main module alive: a module that is collected empties its functions' globals.
_KEPT: list[types.ModuleType] = []


def _sender(messages_fd: int) -> Any:
    def send(method: str, params: dict[str, Any]) -> None:
        message = {"method": method, "params": params, "at": now_text()}
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        try:
            while data:
                data = data[os.write(messages_fd, data) :]
        except OSError:
            return  # the runner is ending; the cell need not notice

    return send


def _display(*values: Any) -> None:
    """Print values, as a notebook's ``display`` does where only text can be shown."""
    for value in values:
        sys.stdout.write("%s\n" % (value if isinstance(value, str) else repr(value),))


def _inputs(task: Any, folder: str) -> dict[str, Any]:
    values = {}
    for name, given in task["inputs"].items():
        with open(os.path.join(folder, given["path"]), "rb") as file:
            values[name] = codecs.decode(file, given["codec"], name="the input " + name)
    return values


def _execute(code: Any, names: dict[str, Any], *, show: bool) -> None:
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


def _silenced(node: ast.stmt, text: str) -> bool:
    """Tell whether a semicolon follows the last expression, which keeps a notebook from showing it."""
    if node.end_lineno is None or node.end_col_offset is None:
        return False
    last = text.splitlines()[node.end_lineno - 1].encode()
    return last[node.end_col_offset :].lstrip().startswith(b";")


def _outputs(task: Any, folder: str, names: dict[str, Any]) -> dict[str, Any]:
    """Encode every declared output to a file; raises before any is used when one is missing."""
    missing = [name for name in task["outputs"] if name not in names]
    if missing:
        listed = ", ".join(missing)
        raise OutputsMissing(
            "the cell never assigned %s" % listed,
            hint="Assign it on every path, or take it out after the arrow.",
        )
    found = {}
    for index, (name, codec) in enumerate(task["outputs"].items()):
        try:
            found[name] = _encode(names[name], codec, name, folder, "output-%d" % index)
        except OSError as error:
            told = of_disk(error, "the output %s could not be written" % name)
            raise OutputsMissing(
                told["message"], hint="Give back less, or write it to gs:// inside the cell."
            ) from error
    return found


def _encode(value: Any, codec: str, name: str, folder: str, path: str) -> dict[str, Any]:
    encoded = codecs.encode(value, codec, name=name)
    with open(os.path.join(folder, path), "wb") as file:
        file.writelines(encoded.chunks())
    encoded.close()
    return {
        "path": path,
        "codec": encoded.codec,
        "summary": encoded.summary,
        "size_bytes": encoded.size_bytes,
        "digest": encoded.digest,
        **_small(value, encoded.codec),
    }


def _small(value: Any, codec: str) -> dict[str, Any]:
    """Return ``{"value": …}`` for what is small enough to be read without a download."""
    if codec == "numpy-scalar":
        value = value.item()
    if codec not in ("json", "text", "numpy-scalar"):
        return {}
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return {}
    return {"value": value} if len(text) <= VALUE_MAX else {}


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # the cell closed it


def _write(path: str, result: Any) -> None:
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.replace(path + ".part", path)
