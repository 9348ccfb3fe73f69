"""Inputs, outputs and definitions of a cell, as a table; refusals with their place."""

from __future__ import annotations

import pytest

from argovx_lab.capture.analyse import analyse_cell, check_outputs
from argovx_lab.capture.definitions import Definitions
from argovx_lab.errors import SpecError

#: cell → (inputs, outputs)
READS = {
    "x = 1": ("", "x"),
    "x = a + b": ("a b", "x"),
    "a = 1\nb = a": ("", "a b"),
    "b = a\na = 1": ("a", "b a"),
    "x = len(y)": ("y", "x"),
    "total += 1": ("total", "total"),
    "x: int = y": ("y", "x"),
    "x: Missing": ("Missing", ""),
    "from __future__ import annotations\nx: Missing = 1": ("", "x"),
    "X, (y, *z) = load()": ("load", "X y z"),
    "[p, q] = r": ("r", "p q"),
    "x = y = z": ("z", "x y"),
    "df['a'] = 1": ("df", "df"),
    "df.loc[mask, 'a'] += step": ("df mask step", "df"),
    "model.alpha = 1": ("model", "model"),
    "import os\nos.environ['A'] = '1'": ("", ""),
    "d = {}\nd['a'] = 1": ("", "d"),
    "del x": ("x", ""),
    "x = 1\ndel x": ("", ""),
    "x = 1\ndel x\ny = x": ("", "y"),
    "del d['k']": ("d", "d"),
    "_private = 1\nx = _private": ("", "x"),
    # scopes
    "s = [i * k for i in xs if i > low]": ("xs k low", "s"),
    "s = {i: j for i, j in pairs}": ("pairs", "s"),
    "s = [j for i in rows for j in i]": ("rows", "s"),
    "g = sum(i for i in xs)": ("xs", "g"),
    "i = 5\ns = [i for i in range(3)]": ("", "i s"),
    "s = [(last := i) for i in xs]": ("xs", "last s"),
    "f = lambda v, k=k: v + k + m": ("k", ""),
    "f = lambda v: v + m\nx = f(1)": ("m", "x"),
    "x = sorted(xs, key=lambda v: v[col])": ("xs col", "x"),
    "def f(v):\n    return v + k\nx = f(1)": ("k", "x"),
    "def f(v):\n    return v + k\n": ("", ""),
    "def f():\n    return k\nk = 2\nx = f()": ("", "k x"),
    "def f(v=d, *a, w=e, **k) -> R:\n    pass": ("d e R", ""),
    "def f():\n    k = 1\n    def g():\n        return k + m\n    return g()\nx = f()": ("m", "x"),
    "def f():\n    global made\n    made = seen\nf()": ("seen", ""),
    "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n    inner()\n    return n\nx = outer()": (
        "",
        "x",
    ),
    "def f():\n    import numpy as np\n    return np.pi\nx = f()": ("", "x"),
    "def even(n):\n    return n == 0 or odd(n - 1)\ndef odd(n):\n    return n and even(n - 1)\nx = even(4)": (
        "",
        "x",
    ),
    "@register\ndef f():\n    return late": ("register late", ""),
    "@deco(arg)\nclass A:\n    pass": ("deco arg", ""),
    "class A(Base, metaclass=Meta):\n    size = n\n    twice = size * 2\n    def m(self):\n        return size": (
        "Base Meta n size",
        "",
    ),
    "class A:\n    def m(self):\n        return helper()\nx = A().m()": ("helper", "x"),
    "class A:\n    def m(self):\n        return B()\nclass B:\n    pass\nx = A()": ("", "x"),
    "class A:\n    x = x": ("x", ""),
    # control flow
    "if c:\n    x = 1\nelse:\n    x = 2\ny = x": ("c", "x y"),
    "if c:\n    x = 1\ny = x": ("c", "y"),
    "if x is None:\n    x = 1": ("x", "x"),
    "if c:\n    raise ValueError\nelse:\n    x = 2\ny = x": ("c", "x y"),
    "for i in xs:\n    t = i\nu = t": ("xs", "t u"),
    "for i in xs:\n    acc.append(i)": ("xs acc", ""),
    "for i, (a, b) in pairs:\n    pass": ("pairs", ""),
    "for i in xs:\n    i = i + 1": ("xs", "i"),
    "while run:\n    n = step(n)": ("run step n", "n"),
    "with open(path) as f:\n    text = f.read()": ("path", "text"),
    "try:\n    import fast as lib\nexcept ImportError:\n    import slow as lib\nx = lib.go()": ("", "x"),
    "try:\n    v = load()\nexcept OSError as error:\n    v = str(error)\ny = v": ("load", "v y"),
    "try:\n    v = load()\nexcept OSError:\n    raise\ny = v": ("load", "v y"),
    "try:\n    v = 1\nfinally:\n    w = 2\nz = v + w": ("", "v w z"),
    "match cmd:\n    case {'a': a, **rest}:\n        x = a\n    case [Point(x=0) as p, *_]:\n        x = p\n    case _:\n        x = 0\ny = x": (
        "cmd Point",
        "x y",
    ),
    "match v:\n    case Color.RED:\n        x = 1\n    case n if n > limit:\n        x = n": (
        "v Color limit",
        "",
    ),
    "if (n := len(xs)) > 3:\n    big = n": ("xs", "n"),
    "if __name__ == '__main__':\n    x = 1\ny = x": ("", "x y"),
    "assert ok, why": ("ok why", ""),
    "x = f'{a:{width}.{p}f} {b!r}'": ("a width p b", "x"),
    "import a.b.c, d as e\nfrom f import g as h\nx = a, e, h": ("", "x"),
    "x = y if c else z": ("c y z", "x"),
    "print(*args, **kw)": ("args kw", ""),
    "argovx.log_metrics({'a': a})\ndisplay(a)\nprint(__name__)": ("a", ""),
}


@pytest.mark.parametrize("cell", READS)
def test_inputs_and_outputs(cell):
    found = analyse_cell(cell)
    inputs, outputs = READS[cell]
    assert not found.problems, found.problems
    assert sorted(found.inputs) == sorted(inputs.split())
    assert list(found.outputs) == outputs.split()


def test_a_name_made_on_some_paths_is_an_input_only_when_the_session_has_it():
    cell = "if c:\n    x = 1\ny = x"
    assert analyse_cell(cell).maybe == ("x",)
    assert analyse_cell(cell).inputs == ("c",)
    known = Definitions()
    known.add_value("x")
    assert analyse_cell(cell, known).inputs == ("c", "x")


def test_a_builtin_that_the_session_has_shadowed_is_an_input():
    known = Definitions()
    known.add_cell("max = 3\nprint = len\n")
    assert analyse_cell("x = max + min(1, 2)", known).inputs == ("max",)


def known_cells(*cells):
    known = Definitions()
    for number, cell in enumerate(cells, 1):
        known.add_cell(cell, number=number, cell_id=f"id{number}")
    return known


def test_definitions_travel_with_what_they_need_and_their_constants_are_inputs():
    known = known_cells(
        "import numpy as np\nfrom math import (\n    sqrt as root,\n    pi,\n)\nSCALE = 2\nUNUSED = 3\n",
        "def helper(v):\n    return root(v) * SCALE\n\nclass Base:\n    def go(self): return helper(4)\n",
        "class Net(Base):\n    width: int = WIDTH\n",
        "WIDTH = 5",
    )
    found = analyse_cell("x = Net().go()", known)
    assert set(found.definitions) == {"Net", "Base", "helper", "root"}
    assert set(found.inputs) == {"SCALE", "WIDTH"}
    assert found.outputs == ("x",)
    code = known.code(found.definitions)
    assert [(item["number"], item["notebook_cell"]) for item in code] == [(1, "id1"), (2, "id2"), (3, "id3")]
    assert code[0]["code"] == "\nfrom math import sqrt as root\n"
    assert code[1]["code"].splitlines()[3] == "class Base:"


def test_a_definition_called_after_the_cell_made_its_constant_needs_no_input():
    known = known_cells("K = 1\ndef f():\n    return K\n")
    assert analyse_cell("K = 5\nx = f()", known).inputs == ()
    assert analyse_cell("x = f()\nK = 5", known).inputs == ("K",)


def test_a_default_is_needed_before_the_cell_runs():
    known = known_cells("K = 1\ndef f(v=K):\n    return v\n")
    assert analyse_cell("K = 5\nx = f()", known).inputs == ("K",)


def test_the_latest_cell_says_what_a_name_is():
    known = known_cells("def f(): return 1", "f = wrap(f)")
    assert analyse_cell("x = f()", known).inputs == ("f",)
    known = known_cells("f = 1", "def f(): return 1")
    assert analyse_cell("x = f()", known).definitions == ("f",)
    known = known_cells("def f(): return 1", "del f")
    assert analyse_cell("x = f()", known).inputs == ("f",)


def test_modules_of_one_package_travel_together():
    known = known_cells("import os\nimport xml.dom", "import xml.sax\nimport numpy as np, json")
    found = analyse_cell("x = xml.dom, xml.sax, np, json", known)
    text = "".join(item["code"] for item in known.code(found.definitions))
    assert text.split() == [
        *["import", "xml.dom", "import", "xml.sax"],
        *["import", "numpy", "as", "np;", "import", "json"],
    ]


def test_definitions_in_blocks_travel_as_the_block():
    known = known_cells("try:\n    import fast as lib\nexcept ImportError:\n    import json as lib\nn = 1")
    found = analyse_cell("x = lib.dumps(n)", known)
    assert (found.definitions, found.inputs) == (("lib",), ("n",))
    assert known.code(["lib"])[0]["code"].startswith("try:\n    import fast as lib\nexcept")


@pytest.mark.parametrize(
    "line",
    [
        "f = lambda v: v + 1",
        "f = re.compile('a')",
        "f = logging.getLogger('x')",
        "f = namedtuple('f', 'a b')",
    ],
)
def test_what_only_code_can_carry_travels_as_code(line):
    known = known_cells(f"import re, logging\nfrom collections import namedtuple\n{line}\n")
    assert "f" in analyse_cell("x = f", known).definitions


def test_definitions_of_step_cells_and_around_magics_are_known():
    known = known_cells(
        "%%vertex_step prepare -> X\ndef clean(v):\n    return v\nX = clean(1)",
        "%matplotlib inline\n!ls\nfiles = !ls\ndef g(): return 1\nls?\n",
        "%%bash\ndef nope(): pass",
        "%%time\ndef timed(): return 1",
        "this is no python",
    )
    assert set(known.names) == {"clean", "g", "timed"}
    assert "files" in known.values
    assert known.code(["clean"])[0]["code"] == "\ndef clean(v):\n    return v\n"


def test_decorated_functions_keep_their_decorators():
    known = known_cells("import functools\n\n@functools.lru_cache\n@other\ndef f():\n    return 1")
    found = analyse_cell("x = f()", known)
    assert set(found.definitions) == {"f", "functools"}
    assert found.inputs == ("other",)
    assert known.code(["f"])[0]["code"] == "\n\n@functools.lru_cache\n@other\ndef f():\n    return 1\n"


#: cell → (words of the message, line, column); line 1 is the magic's own
REFUSED = {
    "x = (": ("was never closed", 2, 5),
    "x = 1\ny = = 2": ("invalid syntax", 3, 5),
    "await f()": ("await at the top level", 2, 1),
    "x = [v async for v in g()]": ("await at the top level", 2, 5),
    "async with a:\n    pass": ("await at the top level", 2, 1),
    "name = input('?')": ("nobody who could answer input()", 2, 8),
    "def f():\n    return input()\nf()": ("nobody who could answer input()", 3, 12),
    "breakpoint()": ("no debugger", 2, 1),
    "get_ipython().run_line_magic('x', '')": ("no IPython", 2, 1),
    "x = _ + 1": ("last result", 2, 5),
    "x = 1\n%matplotlib inline": ("%matplotlib inline is a magic", 3, 1),
    "!ls": ("!ls is a shell escape", 2, 1),
    "if True:\n    !ls": ("shell escape", 3, 5),
    "%pip install numpy": ("does not run in a job", 2, 1),
    "files = !ls": ("shell escape", 2, 1),
    "x = %timeit 1": ("is a magic", 2, 1),
    "x?": ("asks the notebook for help", 2, 1),
    "# only words": ("nothing to run", 0, 0),
    "'''text'''\npass": ("nothing to run", 0, 0),
    "": ("empty", 0, 0),
    "return 1": ("'return' outside function", 2, 1),
    "yield 1": ("yield stands outside", 2, 1),
    "from math import *": ("import * cannot be told", 2, 1),
    "break": ("'break' outside loop", 2, 1),
    "nonlocal x": ("nonlocal", 2, 1),
    "def f(a, a): pass": ("duplicate argument", 2, 1),
    "x = '\ud800'": ("cannot be read", 0, 0),
    "x = 1\x00": ("null bytes", 2, 1),
}


@pytest.mark.parametrize("cell", REFUSED)
def test_what_a_job_cannot_do_is_refused_with_its_place(cell):
    words, line, column = REFUSED[cell]
    found = analyse_cell(cell)
    assert found.problems, "it is refused"
    problem = found.problems[0]
    assert words in problem.message
    assert problem.hint
    assert problem.line == line
    if column > 1:
        assert problem.column == column
    with pytest.raises(SpecError) as caught:
        found.check()
    assert "\n" not in caught.value.message
    assert caught.value.hint == problem.hint


def test_hard_but_fine_cells_are_not_refused():
    for cell in (
        "x = 7\nx %3\n",
        "x = '%%'\n",
        'y = """\n!ls\n%time\nwhat?\n"""',
        "async def f():\n    await g()",
        "def f():\n    yield 1",
    ):
        assert not analyse_cell(cell).problems, cell


def test_names_behind_an_earlier_star_import_are_refused_with_advice():
    known = known_cells("from math import *\nvalue = 3")
    assert analyse_cell("x = value", known).inputs == ("value",)
    problem = analyse_cell("x = sqrt(value)", known).problems[0]
    assert "sqrt may come from the import * of cell 1" in problem.message
    assert problem.hint == "Write from math import sqrt in a cell."


def test_hazards_are_notes():
    notes = [note.message for note in analyse_cell("model.fit(X)\neval('y')").notes]
    assert any("model may be changed by model.fit" in note for note in notes)
    assert any("eval()" in note for note in notes)


def test_outputs_that_are_never_assigned_are_named():
    found = analyse_cell("a = 1\nimport os\ndef f(): pass")
    check_outputs(found, {"a": "auto", "f": "function"})
    with pytest.raises(SpecError, match="never assigns the output report") as caught:
        check_outputs(found, {"report": "auto"})
    assert caught.value.hint == "It assigns a."


def test_the_analysis_runs_nothing(tmp_path):
    mark = tmp_path / "mark"
    cell = f"open({str(mark)!r}, 'w')\nimport this_module_does_not_exist\n__import__('os').abort()"
    known = known_cells(cell)
    analyse_cell(cell, known)
    assert not mark.exists()


def test_not_ascii_names_are_no_outputs():
    found = analyse_cell("größe = 1\nx = größe")
    assert found.outputs == ("x",)
    assert "größe" in found.notes[0].message
