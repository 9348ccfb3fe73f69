"""A cell behaves as in a script that is named after it: modules, processes, threads, warnings."""

from __future__ import annotations

import pytest

POOL = """
import multiprocessing as mp

def square(n):
    return n * n

def say(n):
    print("said by a child %d" % n, flush=True)
    return base + n

base = 100
if __name__ == "__main__":
    context = mp.get_context("METHOD")
    with context.Pool(2) as pool:
        squares = pool.map(square, range(5))
        said = pool.map(say, [1, 2])
    process = context.Process(target=say, args=(7,))
    process.start()
    process.join()
    code = process.exitcode
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_finds_the_functions_of_the_cell(job, method):
    job.cell = POOL.replace("METHOD", method)
    job.outputs = {"squares": "json", "said": "json", "code": "json"}
    assert job.run() == 0, job.output
    assert job.value("squares") == [0, 1, 4, 9, 16]
    assert job.value("said") == [101, 102]
    assert job.value("code") == 0
    assert b"said by a child 7" in job.cloud.logs(job.prefix + "r0.0/")


def test_a_process_pool_runs_functions_of_the_cell_and_of_its_definitions(job):
    job.definitions = [
        {"code": "K = 3\ndef triple(n):\n    return K * n\n", "number": 2, "notebook_cell": "d"}
    ]
    job.inputs = {"offset": 1000}
    job.cell = """
import concurrent.futures, multiprocessing

class Box:
    def __init__(self, value):
        self.value = value

def work(box):
    return Box(triple(box.value) + offset)

if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        got = [box.value for box in pool.map(work, [Box(1), Box(2)])]
"""
    job.outputs = {"got": "json"}
    assert job.run() == 0, job.output
    assert job.value("got") == [1003, 1006]


def test_asyncio_threads_and_their_errors(job):
    job.cell = """
import asyncio, threading

async def twice(n):
    await asyncio.sleep(0)
    return 2 * n

async def main():
    return await asyncio.gather(*(twice(n) for n in range(3)))

doubled = asyncio.run(main())

def fail():
    raise LookupError("in a thread")

thread = threading.Thread(target=fail, name="helper")
thread.start()
thread.join()
"""
    job.outputs = {"doubled": "json"}
    assert job.run() == 0, job.output
    assert job.value("doubled") == [0, 2, 4]
    assert "LookupError: in a thread" in job.output
    assert 'File "digits.ipynb cell 7 (train)", line 14, in fail' in job.output


def test_a_thread_that_still_runs_is_waited_for_as_in_a_script(job):
    job.cell = """
import threading, time
def late():
    time.sleep(0.3)
    print("late")
threading.Thread(target=late).start()
"""
    assert job.run() == 0, job.output
    assert "late" in job.cloud.logs(job.prefix + "r0.0/").decode()


def test_inspect_dataclasses_enums_and_typing(job):
    job.cell = """
import dataclasses, enum, inspect, pickle, typing, linecache

class Colour(enum.Enum):
    RED = 1

@dataclasses.dataclass(order=True)
class Point:
    x: int
    y: "typing.Optional[int]" = None

class Named(typing.NamedTuple):
    a: int

hints = typing.get_type_hints(Point)["x"] is int
back = pickle.loads(pickle.dumps([Point(1), Colour.RED, Named(2)])) == [Point(1), Colour.RED, Named(2)]
source = inspect.getsource(Point).splitlines()[-1].strip()
file = inspect.getsourcefile(Point.__init__) or "none"
module = Point.__module__
frame = inspect.stack()[0].filename
linecache.checkcache()
again = inspect.getsource(Colour).splitlines()[0]
"""
    names = ("hints", "back", "source", "module", "frame", "again")
    job.outputs = dict.fromkeys(names, "json")
    assert job.run() == 0, job.output
    assert [job.value(name) for name in names] == [
        True,
        True,
        'y: "typing.Optional[int]" = None',
        "__main__",
        "digits.ipynb cell 7 (train)",
        "class Colour(enum.Enum):",
    ]


def test_warnings_are_shown_with_their_line_and_errors_by_filter(job):
    job.cell = """
import warnings
def old():
    warnings.warn("old way", DeprecationWarning, stacklevel=2)
old()
warnings.simplefilter("error")
old()
"""
    assert job.run() == 1
    assert "digits.ipynb cell 7 (train):5: DeprecationWarning: old way\n  old()" in job.output
    assert job.error["place"] == "cell 7, line 4"


def test_syntax_errors_name_the_line(job):
    job.cell = "x = 1\ny = (\n"
    assert job.run() == 1
    assert job.error["type"] == "SyntaxError"
    assert job.error["place"] == "cell 7, line 2"


def test_processes_that_start_anew_have_the_facade_and_only_the_inputs_they_read(job):
    job.inputs = {"offset": 5, "big": list(range(1000))}
    job.cell = """
import multiprocessing, os, sys

def work():
    argovx.log_metrics({"in_a_worker": offset})
    assert argovx.context.step == "train" and os.path.isdir(argovx.checkpoint_dir)
    assert "big" not in globals(), "it is read under the guard only"
    assert not any("runner" in entry for entry in sys.path), sys.path

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=work)
    process.start()
    process.join()
    code, size = process.exitcode, len(big)
"""
    job.outputs = {"code": "json", "size": "json"}
    assert job.run() == 0, job.output
    assert (job.value("code"), job.value("size")) == (0, 1000), job.output
    assert job.manifest["metrics"] == {"in_a_worker": 5}


def test_spawn_without_the_guard_is_refused_as_in_a_script(job):
    job.cell = """
import multiprocessing
def work():
    pass
process = multiprocessing.get_context("spawn").Process(target=work)
process.start()
process.join()
code = process.exitcode
"""
    job.outputs = {"code": "json"}
    assert job.run() == 0, job.output
    assert job.value("code") == 1
    assert "if __name__ == '__main__':" in job.output
