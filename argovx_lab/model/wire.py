"""JSON of remote ends: an object, or nothing; whatever bytes came, reading them does not raise."""

from __future__ import annotations

import json
from typing import Any, Optional, Union


def json_object(data: Union[bytes, str]) -> Optional[dict[str, Any]]:
    """Return the JSON object that ``data`` holds; ``None`` for a page, a list, or too deep a nesting."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
