"""The process in which the cell runs: inputs by name, definitions, the cell, outputs as files.

Everything the user's code sees is arranged here: the namespace is ``__main__``, tracebacks and
`inspect` find the lines of the notebook, ``argovx`` is importable, nothing of the runner is on
``sys.path``. Refuses to hand out outputs that were not assigned.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
from typing import Any

from argovx_lab import codecs
from argovx_lab.errors import ArgovxError, CodecError, OutputsMissing
from argovx_lab.runner.pipe import Sender
from argovx_lab.runner.script import Inputs, execute, namespace, streams
from argovx_lab.runner.trace import full, of_disk, plain, record

#: Largest JSON value that goes into the manifest itself. Unit: characters of JSON.
VALUE_MAX = 1024

#: Largest output that is kept of a cell that failed. Unit: bytes. Reason: the user waits for the error.
PARTIAL_BYTES = 256 << 20

#: How much rather the kernel kills the cell than the runner, which has to say so. Unit: thousandths.
OOM_SCORE = 500

_PR_SET_PDEATHSIG = 1


def run(folder: str, messages_fd: int, parent: int, start: tuple[int, str]) -> int:
    """Run what ``folder/task.json`` says and leave ``folder/result.json``; returns the exit code.

    Parameters
    ----------
    start : tuple of int and str
        The pipe that says that ``task.json`` is there, and the codecs, joined by commas, whose libraries are
        imported meanwhile.
    """
    _die_with(parent)
    _dies_first()
    os.set_inheritable(messages_fd, False)
    codecs.warm(start[1].split(","))
    if not os.read(start[0], 1):
        return 1  # there is nothing to run
    os.close(start[0])
    with open(os.path.join(folder, "task.json"), encoding="utf-8") as file:
        task = json.load(file)
    streams()
    faulthandler.enable()
    tell = Sender(messages_fd)
    main = namespace(task, folder, messages_fd)
    labels = {code["filename"]: code["label"] for code in [*task["definitions"], task["cell"]]}
    inputs = Inputs(task["inputs"], folder, main.__dict__)
    try:
        inputs.define(task["definitions"])
        execute(task["cell"], main.__dict__, show=True)
        _flush()
        result, code = {**_outputs(task, folder, main.__dict__, tell), "error": None}, 0
    except ArgovxError as error:
        message = error.message + (". " + error.hint if error.hint else "")
        result, code = {"outputs": {}, "error": plain(error.name, message)}, 1
        sys.stderr.write("argovx: %s\n" % message)
    except SystemExit as stop:
        result, code = _system_exit(stop, task, folder, (main.__dict__, tell), labels)
    except BaseException as error:  # noqa: BLE001  (whatever the user's code raises is its outcome)
        result, code = {"outputs": {}, "error": record(error, labels)}, 1
        sys.stderr.write(full(error))
    _flush()
    if result["error"] is not None:
        result["partial"] = _partial(task, folder, main.__dict__, inputs.values)
    return _leave(folder, result, code, tell)


def _leave(folder: str, result: dict[str, Any], code: int, tell: Sender) -> int:
    """Write the result, whatever became of the folder; returns the exit code.

    Where the disk stays full, the last word goes through the pipe.
    """
    path = os.path.join(folder, "result.json")
    try:
        _write(path, result)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
        _write(path, result)
    except OSError as error:  # the last word must be said: make room for it
        _make_room(folder)
        told = result["error"] or of_disk(error, "the result could not be written")
        try:
            _write(path, {"outputs": {}, "error": told})
        except OSError:
            tell("failed", {"error": told})
        code = code or 1
    return code


def _make_room(folder: str) -> None:
    for name in os.listdir(folder):
        if name.startswith(("output-", "input-", "result.")):
            os.unlink(os.path.join(folder, name))


def _system_exit(
    stop: SystemExit, task: Any, folder: str, found: tuple[dict[str, Any], Sender], labels: dict[str, str]
) -> tuple[dict[str, Any], int]:
    """Treat ``sys.exit()`` and ``sys.exit(0)`` as the end of the cell, any other as its failure."""
    if stop.code in (None, 0):
        try:
            return {**_outputs(task, folder, *found), "error": None}, 0
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


def _dies_first() -> None:
    """Have the kernel choose this process and its children, not the runner, when memory runs out (Linux)."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("%d" % OOM_SCORE)
    except OSError:
        return


def _outputs(task: Any, folder: str, names: dict[str, Any], tell: Sender) -> dict[str, Any]:
    """Encode every declared output to a file; raises before any is used when one is missing.

    Returns ``{outputs, left_out}``: what nobody named and cannot travel is left out, with the reason.
    """
    absent = [name for name in task["outputs"] if name not in names]
    missing = [name for name in absent if task["outputs"][name] != codecs.MAYBE]
    if missing:
        listed = ", ".join(missing)
        raise OutputsMissing(
            "the cell never assigned %s" % listed,
            hint="Assign it on every path, or take it out after the arrow.",
        )
    if not os.path.isdir(folder):
        sys.stderr.write("argovx: the cell deleted the runner's folder; its results are kept all the same\n")
        os.makedirs(folder)
    found, left_out = {}, dict.fromkeys(absent, "the cell did not assign it")
    for index, (name, codec) in enumerate(task["outputs"].items()):
        if name in left_out:
            continue
        tell("output", {"name": name})
        path = os.path.join(folder, "output-%d" % index)
        try:
            found[name] = _encode(names[name], codec, name, path)
        except CodecError as error:
            if codec != codecs.MAYBE:
                raise
            os.unlink(path)
            left_out[name] = _reason(error)
        except OSError as error:
            told = of_disk(error, "the output %s could not be written" % name)
            raise OutputsMissing(
                told["message"], hint="Give back less, or write it to gs:// inside the cell."
            ) from error
    if left_out:
        listed = "; ".join("%s (%s)" % item for item in left_out.items())
        sys.stderr.write("argovx: left out, for nobody named them after an arrow: %s\n" % listed)
    outputs = {name: {**item, "path": os.path.basename(item["path"])} for name, item in found.items()}
    return {"outputs": outputs, "left_out": left_out}


def _reason(error: CodecError) -> str:
    """Return why a value cannot travel and what to do, without its name in front."""
    text = error.message.partition(" cannot travel: ")[2] or error.message
    return ("%s. %s" % (text, error.hint) if error.hint else text)[:300]


def _partial(task: Any, folder: str, names: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Encode what a failed cell had assigned already; what cannot travel is left out with the reason."""
    outputs, left_out = {}, {}
    for index, (name, codec) in enumerate(task["outputs"].items()):
        if name not in names or (name in inputs and names[name] is inputs[name]):
            continue
        path = "output-%d.partial" % index
        try:
            item = _encode(names[name], codec, name, os.path.join(folder, path), PARTIAL_BYTES)
        except ArgovxError as error:
            left_out[name] = error.message[:300]
        except (OSError, MemoryError) as error:
            left_out[name] = type(error).__name__
        else:
            outputs[name] = {**item, "path": path}
    return {"outputs": outputs, "left_out": left_out}


def _encode(
    value: Any, codec: str, name: str, path: str, limit_bytes: int = codecs.LIMIT_BYTES
) -> dict[str, Any]:
    with open(path, "wb", buffering=0) as file:
        encoded = codecs.encode(value, codec, name=name, limit_bytes=limit_bytes, file=file)
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
