"""One statement that defines a name: its text, its place, and what it reads and changes.

Owns nothing but the statement; which one is in force is `Definitions`' to say.
"""

from __future__ import annotations

import ast

from argovx_lab.capture.changes import changed_outside, changed_parameters
from argovx_lab.capture.flow import Flow
from argovx_lab.capture.scopes import Free


class Definition:
    """One statement that defines a name.

    Parameters
    ----------
    name : str
        What it defines.
    code : str
        Its source text.
    line : int
        Its first line in the notebook cell, from 1.
    order : int
        Number of the cell in the order in which cells were added.
    """

    def __init__(self, name: str, node: ast.stmt, code: str, line: int, order: int) -> None:
        self.name = name
        self.code = code
        self.line = line
        self.order = order
        self._node = node
        self._needs: tuple[Free, Free] | None = None

    @property
    def needs(self) -> tuple[Free, Free]:
        """What it reads when it is made, and what it reads when it is called."""
        if self._needs is None:
            flow = Flow([self._node])
            now = Free({name: read.node for name, read in flow.reads.items()})
            self._needs = now, flow.pending()
        return self._needs

    @property
    def is_import(self) -> bool:
        """Tell whether it imports."""
        return isinstance(self._node, (ast.Import, ast.ImportFrom))

    @property
    def is_package(self) -> bool:
        """Tell whether it is ``import a`` or ``import a.b``, which bind the package."""
        return isinstance(self._node, ast.Import) and not self._node.names[0].asname

    @property
    def changes(self) -> frozenset[str]:
        """Names from outside that it may change when it is called."""
        return changed_outside(self._node)

    @property
    def changes_parameters(self) -> frozenset[str | int]:
        """Parameters that it may change in what it is given, by name and by position."""
        return changed_parameters(self._node)
