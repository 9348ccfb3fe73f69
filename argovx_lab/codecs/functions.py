"""The codec `function`: functions and classes by their source text.

Only definitions whose loading runs nothing: no decorators, no closures, literal defaults, plain
bases. Names of modules must be imported inside. The text is checked in the same way on reading, so
that bytes from a bucket cannot run code by being loaded (calling the function is the user's act).
"""

from __future__ import annotations

import ast
import builtins
import inspect
import json
import linecache
import symtable
import textwrap
import types
from typing import IO, Any, Optional

from argovx_lab.codecs.base import Codec, Sink, type_name
from argovx_lab.errors import CodecError

SCHEMA = "argovx.function/1"

_PLAIN_DECORATORS = ("staticmethod", "classmethod", "property")


class Function(Codec):
    """A function or a class, by source."""

    name = "function"
    about = (
        "functions and classes",
        "their source text",
        "closures, decorators, names from outside, all that would run when it is loaded",
    )

    def accepts(self, value: Any) -> bool:
        """Accept functions that have a name, and classes made by ``class``."""
        if isinstance(value, types.FunctionType):
            return value.__name__ != "<lambda>"
        return type(value) is type and value.__module__ != "builtins"

    def summary(self, value: Any) -> str:
        """Return what it is and its name."""
        return "%s %s" % ("class" if isinstance(value, type) else "function", value.__name__)

    def write(self, value: Any, sink: Sink) -> None:
        """Write name and source."""
        if not self.accepts(value):
            raise CodecError("it is a %s, not a function or class with a name" % type_name(value))
        if isinstance(value, types.FunctionType):
            _check_function(value)
        source = _source(value)
        if source is None:
            raise CodecError("its source text is not known", hint="Define it with def or class in a cell.")
        _parse(source, value.__name__)
        foreign = _foreign(source)
        if foreign:
            raise CodecError(
                "it uses %s from outside itself" % ", ".join(sorted(foreign)),
                hint="Import modules inside the function and pass other values as arguments.",
            )
        document = {"schema": SCHEMA, "name": value.__name__, "source": source}
        sink.write(json.dumps(document, sort_keys=True, ensure_ascii=False).encode())

    def load(self, source: IO[bytes]) -> Any:
        """Read name and source, check that loading runs nothing, and define it."""
        try:
            document = json.loads(source.read().decode())
            schema, name, text = document["schema"], document["name"], document["source"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CodecError("the bytes are not a function's source") from error
        if schema != SCHEMA or not isinstance(text, str) or not isinstance(name, str):
            raise CodecError("the bytes are not %s" % SCHEMA)
        _parse(text, name)
        filename = "<function %s>" % name
        flags = __import__("__future__").annotations.compiler_flag
        code = compile(text, filename, "exec", flags=flags, dont_inherit=True)
        namespace: dict[str, Any] = {"__name__": "argovx_function", "__builtins__": builtins}
        exec(code, namespace)  # noqa: S102  (_parse made sure that this only defines)
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        return namespace[name]


def _check_function(value: types.FunctionType) -> None:
    if value.__closure__:
        names = ", ".join(value.__code__.co_freevars)
        raise CodecError(
            "it is a function that keeps %s from the function around it" % names,
            hint="Define it at the top level of the cell and pass %s as arguments." % names,
        )
    if value.__dict__:
        raise CodecError(
            "it is a function with attributes (%s)" % ", ".join(value.__dict__), hint="Drop them."
        )


def _source(value: Any) -> Optional[str]:
    """Return the definition's own text, or ``None`` when it is not known or no longer the same."""
    try:
        text = textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError):
        found = _class_source(value) if isinstance(value, type) else None
        if found is None:
            return None
        text = found
    if isinstance(value, types.FunctionType) and not _same(value, text):
        return None
    return text


def _class_source(value: type) -> Optional[str]:
    """Find a class by its methods' file: a notebook's ``__main__`` has none for `inspect` to look in."""
    for member in vars(value).values():
        code = getattr(inspect.unwrap(getattr(member, "__func__", member)), "__code__", None)
        if code is None:
            continue
        text = "".join(linecache.getlines(code.co_filename))
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        nodes = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == value.__name__]
        if nodes:
            return ast.get_source_segment(text, nodes[-1])
    return None


def _same(value: types.FunctionType, text: str) -> bool:
    """Tell whether ``text`` is the function's: a file may have changed since it was defined."""
    try:
        tree = compile(text, "<check>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    codes = [c for c in tree.co_consts if isinstance(c, types.CodeType) and c.co_name == value.__name__]
    return any(_shape(code) == _shape(value.__code__) for code in codes)


def _shape(code: types.CodeType) -> Any:
    """Return what two compilations of one definition share; their bytecode may differ."""
    constants = [repr(item) for item in code.co_consts if not isinstance(item, types.CodeType)]
    counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    return code.co_names, code.co_varnames, counts, sorted(constants)


def _parse(text: str, name: str) -> ast.stmt:
    """Return the one definition in ``text``; raises when loading it would run anything."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CodecError("its source is not valid Python here: %s" % error) from error
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if len(body) != 1 or not isinstance(body[0], kinds) or body[0].name != name:
        raise CodecError("its source is not one definition of %.40s" % name)
    reason = _runs(body[0])
    if reason:
        raise CodecError(
            "its definition has %s, which runs when it is loaded" % reason,
            hint="Define it inside the cell that needs it, or in a cell of the notebook.",
        )
    return body[0]


def _runs(node: ast.stmt) -> str:
    """Return what in a definition would run when it is loaded; empty for nothing."""
    if getattr(node, "type_params", None):
        return "type parameters"
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if node.decorator_list:
            return "a decorator"
        defaults = [d for d in node.args.defaults + node.args.kw_defaults if d is not None]
        return "" if all(_literal(d) for d in defaults) else "a default that is not a literal"
    if not isinstance(node, ast.ClassDef):
        return "a statement"
    if node.decorator_list or node.keywords:
        return "a decorator or metaclass"
    if any(not _plain_base(base) for base in node.bases):
        return "a base class of its own"
    for item in node.body:
        reason = _runs_in_class(item)
        if reason:
            return reason
    return ""


def _runs_in_class(item: ast.stmt) -> str:
    if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
        plain = [d for d in item.decorator_list if isinstance(d, ast.Name) and d.id in _PLAIN_DECORATORS]
        if len(plain) != len(item.decorator_list):
            return "a decorator"
        defaults = [d for d in item.args.defaults + item.args.kw_defaults if d is not None]
        return "" if all(_literal(d) for d in defaults) else "a default that is not a literal"
    if isinstance(item, ast.Pass) or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)):
        return ""
    if isinstance(item, ast.Assign):
        named = all(isinstance(t, ast.Name) for t in item.targets)
        return "" if named and _literal(item.value) else "an assignment that is not a literal"
    if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
        return "" if item.value is None or _literal(item.value) else "an assignment that is not a literal"
    return "a statement in its body"


def _plain_base(base: ast.expr) -> bool:
    kind = getattr(builtins, base.id, None) if isinstance(base, ast.Name) else None
    return isinstance(kind, type) and (
        kind is object or issubclass(kind, (Exception, dict, list, tuple, str))
    )


def _literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _foreign(source: str) -> set[str]:
    """Return the global names that the definition reads and that are no builtins."""
    found: set[str] = set()
    own = {
        symbol.get_name()
        for symbol in symtable.symtable(source, "<function>", "exec").get_symbols()
        if symbol.is_assigned()
    }
    tables = list(symtable.symtable(source, "<function>", "exec").get_children())
    while tables:
        table = tables.pop()
        tables += table.get_children()
        found |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
        found |= {s.get_name() for s in table.get_symbols() if s.is_declared_global()}
    return {name for name in found if name not in own and not hasattr(builtins, name)}
