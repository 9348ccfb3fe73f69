"""The subset of expr-lang that Argo's expressions use: ``{{=…}}``, ``depends``, hooks, retry, ``valueFrom``.

Supported: literals, ``[]`` and ``{}``, member and index access with ``?.`` and slices, arithmetic,
comparison, ``and or not``, ``in``, ``matches``, ``contains``, ``startsWith``, ``endsWith``, ``??``,
``?:``, ``..``, ``|``, predicates ``{# > 1}``, the functions of ``functions.py`` and ``sprig.py``.
Anything else is an :class:`ExprError` that names it.
"""

from __future__ import annotations

from argovx_lab.sandbox.argo.expr.evaluate import evaluate, evaluate_bool, names_in
from argovx_lab.sandbox.argo.expr.functions import go_json
from argovx_lab.sandbox.argo.expr.lexer import ExprError, ExprUnsupported

__all__ = ["ExprError", "ExprUnsupported", "evaluate", "evaluate_bool", "go_json", "names_in"]
