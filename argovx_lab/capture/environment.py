"""What a step needs around its code: pinned packages and the kernel's Python minor.

Refuses anything but exact pins: a range would make the same spec mean other packages tomorrow.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from argovx_lab.errors import SpecError

_PIN = re.compile(
    r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(\[[A-Za-z0-9._-]+(?:,[A-Za-z0-9._-]+)*\])?"
    r"==([A-Za-z0-9][A-Za-z0-9.!+_-]*)\Z",
    re.ASCII,
)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z", re.ASCII)


def pinned(items: Iterable[str]) -> tuple[str, ...]:
    """Return the requirements sorted, each as ``name==version`` with the name in canonical form.

    Raises
    ------
    SpecError
        For anything that is no exact pin, and for two versions of one package.
    """
    found: dict[str, str] = {}
    for item in items:
        text = re.sub(r"\s+", "", item)
        if not text:
            continue
        match = _PIN.match(text)
        if match is None:
            raise SpecError(f"the requirement {item!r} is not an exact pin", hint=_advice(text))
        name = re.sub(r"[-_.]+", "-", match.group(1)).lower()
        pin = f"{name}{match.group(2) or ''}=={match.group(3)}"
        if found.setdefault(name, pin) != pin:
            raise SpecError(f"{name} is required twice: {found[name]} and {pin}", hint="Keep one of the two.")
    return tuple(found[name] for name in sorted(found))


def python_minor() -> str:
    """Return this Python's minor version, such as ``3.11``."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _advice(text: str) -> str:
    if text.startswith(("-", "git+", "http:", "https:", "file:", ".", "/")) or "@" in text:
        return "Files, addresses and options are not supported; write NAME==VERSION."
    name = re.split(r"[<>=!~\[;]", text)[0]
    if _NAME.match(name):
        from importlib.metadata import PackageNotFoundError, version

        try:
            return f"Write {name}=={version(name)}, which this kernel has."
        except PackageNotFoundError:
            return f"Write {name}==VERSION."
    return "Write NAME==VERSION."
