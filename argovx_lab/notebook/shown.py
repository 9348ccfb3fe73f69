"""How whatever would be submitted shows itself: its lines, and the manifest beneath them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from html import escape
from typing import Any


class Shown(ABC):
    """Something with a Workflow manifest that a notebook displays before it is sent."""

    manifest: Mapping[str, Any]

    @abstractmethod
    def lines(self) -> list[str]:
        """Return the lines in words."""

    def yaml(self) -> str:
        """Return the Workflow manifest as YAML."""
        import yaml

        return str(yaml.safe_dump(self.manifest, sort_keys=False, allow_unicode=True))

    def __repr__(self) -> str:
        return "\n".join([*self.lines(), "", self.yaml()])

    def _repr_html_(self) -> str:
        text = escape("\n".join(self.lines()))
        return (
            f"<pre>{text}</pre><details><summary>Workflow manifest</summary>"
            f"<pre>{escape(self.yaml())}</pre></details>"
        )
