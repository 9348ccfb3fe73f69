"""What code changes in place without giving it a new value: by methods, by functions, in modules.

Owns three questions about text: which names a piece of code may change, which statement of a cell changes a
function, class or module of another, and which call sets state that no name shows. Refuses to look at values:
a method is taken to change something when its result is thrown away or its name says so.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from argovx_lab.capture.scopes import FUNCTIONS, function_free, root_name

#: Methods that change what they are called on, also when their result is used.
_MUTATORS = frozenset(
    {
        *("pop", "popitem", "popleft", "setdefault", "fit", "fit_transform", "partial_fit"),
        # generators of random numbers go on by each draw
        *(
            "random",
            "integers",
            "choice",
            "choices",
            "permutation",
            "permuted",
            "shuffle",
            "spawn",
            "uniform",
        ),
        *("normal", "standard_normal", "lognormal", "multivariate_normal", "exponential", "poisson"),
        *("binomial", "multinomial", "rand", "randn", "randint", "gauss", "getrandbits"),
    }
)

#: Methods whose result is thrown away and that change nothing which a step would miss.
_HARMLESS = frozenset({"head", "info", "describe", "show", "items", "keys", "values", "join", "print"})

#: Methods of modules that set state which no name shows.
_SETTERS = frozenset(
    {
        *(
            "seed",
            "set_seed",
            "manual_seed",
            "use",
            "set_option",
            "set_printoptions",
            "set_theme",
            "set_style",
        ),
        *("filterwarnings", "simplefilter", "basicConfig", "setLevel", "setlocale", "setcontext"),
        *("chdir", "putenv", "setrecursionlimit"),
    }
)


def changed(node: ast.AST) -> Iterator[tuple[str, str, ast.AST]]:
    """Yield names that code may change in place, with the method (empty for ``name.x = …``) and the place."""
    for item in ast.walk(node):
        if isinstance(item, ast.Expr) and isinstance(item.value, ast.Call):
            yield from _called(item.value, everything=True)
        elif isinstance(item, ast.Call):
            yield from _called(item, everything=False)
        elif isinstance(item, (ast.Attribute, ast.Subscript)) and not isinstance(item.ctx, ast.Load):
            root = root_name(item)
            if root is not None:
                yield root, "", item


def _called(call: ast.Call, *, everything: bool) -> Iterator[tuple[str, str, ast.AST]]:
    if not isinstance(call.func, ast.Attribute):
        return
    root, method = root_name(call.func), call.func.attr
    if root is not None and (method in _MUTATORS or (everything and method not in _HARMLESS)):
        yield root, method, call


def changed_outside(node: ast.AST) -> frozenset[str]:
    """Return the names from outside that functions in ``node`` may change when they are called."""
    found: set[str] = set()
    for item in ast.walk(node):
        if isinstance(item, FUNCTIONS):
            free = function_free(item).reads
            found.update(name for name, _, _ in changed(item) if name in free)
    return frozenset(found)


def changed_parameters(node: ast.AST) -> frozenset[str | int]:
    """Return the parameters that a function may change in what it is given, by name and by position."""
    if not isinstance(node, FUNCTIONS):
        return frozenset()
    positional = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
    every = {*positional, *(arg.arg for arg in node.args.kwonlyargs)}
    stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    found = {name for name, _, _ in changed(node) if name in every - stored}
    return frozenset({*found, *(index for index, name in enumerate(positional) if name in found)})


def given(call: ast.Call, parameters: frozenset[str | int]) -> Iterator[str]:
    """Yield the names that a call gives as one of ``parameters``."""
    pairs: list[tuple[str | int | None, ast.expr]] = [*enumerate(call.args)]
    pairs += [(keyword.arg, keyword.value) for keyword in call.keywords]
    for where, value in pairs:
        if where in parameters and isinstance(value, ast.Name):
            yield value.id


def patched(node: ast.stmt) -> tuple[str, bool] | None:
    """Return whose attribute or item a statement sets, and whether it can run again in a job without harm.

    It can when it calls nothing and does not touch the environment's variables, which hold secrets.
    """
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign):
        targets = [node.target]
    else:
        return None
    target = targets[0]
    root = root_name(target) if len(targets) == 1 and not isinstance(target, ast.Name) else None
    if root is None:
        return None
    touches = any(isinstance(item, ast.Attribute) and item.attr == "environ" for item in ast.walk(target))
    return root, not touches and root != "environ" and not _calls(node)


def _calls(node: ast.AST) -> bool:
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (ast.Call, ast.Await)):
            return True
        if not isinstance(item, ast.Lambda):
            waiting += ast.iter_child_nodes(item)
    return False


def sets_state(node: ast.stmt) -> str | None:
    """Return the name at the root of a call such as ``np.random.seed(0)``, or ``None``."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return None
    func = node.value.func
    if not isinstance(func, ast.Attribute):
        return None
    of_path = isinstance(func.value, ast.Attribute) and func.value.attr in ("path", "rcParams", "environ")
    return root_name(func) if func.attr in _SETTERS or of_path else None


def without_values(node: ast.stmt) -> str:
    """Return the head of such a statement, without the values in it: these may be secrets."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return f"{ast.unparse(node.value.func)}(…)"
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]  # type: ignore[attr-defined]
    return f"{ast.unparse(target)} = …"
