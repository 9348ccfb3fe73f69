"""The Common Expression Language, as far as admission policies and Argo's schemas use it."""

from argovx_lab.sandbox.kubernetes.cel.evaluate import Program, compile_cel
from argovx_lab.sandbox.kubernetes.cel.parser import CelError

__all__ = ["CelError", "Program", "compile_cel"]
