"""The Common Expression Language, as far as admission policies and Argo's schemas use it."""

from argovx_lab.sandbox.kubernetes.cel.evaluate import Program, compile_cel, unescaped
from argovx_lab.sandbox.kubernetes.cel.functions import NOT_RE2
from argovx_lab.sandbox.kubernetes.cel.parser import CelError, Tree

__all__ = ["NOT_RE2", "CelError", "Program", "Tree", "compile_cel", "unescaped"]
