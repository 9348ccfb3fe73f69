"""``%argovx gate NAME "Deploy {model}?"``: a place in the notebook where a run waits for a person.

Owns the words of the line. Refuses a name that cannot name a step, and a question that is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from argovx_lab.errors import SpecError
from argovx_lab.model.names import is_step_name

USAGE = 'Write it like %argovx gate deploy_ok "Deploy {model}?".'

#: Longest question. Unit: characters. Reason: it is one line of a card.
PROMPT_MAX = 200

_LINE = re.compile(r"^[ \t]*%argovx[ \t]+gate\b(.*)$", re.MULTILINE)
_NAMED = re.compile(r"\{([A-Za-z_]\w*)\}", re.ASCII)


@dataclass(frozen=True)
class GateText:
    """A gate as typed: its name, and what it asks."""

    name: str
    prompt: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names in braces: the results that the question is about."""
        return tuple(dict.fromkeys(_NAMED.findall(self.prompt)))


def find(source: str) -> list[str]:
    """Return what stands after ``%argovx gate`` in a cell, line by line."""
    return [match.group(1) for match in _LINE.finditer(source)]


def parse(words: str) -> GateText:
    """Read the words after ``gate``.

    Raises
    ------
    SpecError
        For a bad name or question.
    """
    name, _, rest = words.strip().partition(" ")
    prompt = rest.strip()
    if len(prompt) > 1 and prompt[0] in "\"'" and prompt[-1] == prompt[0]:
        prompt = prompt[1:-1]
    if not is_step_name(name):
        raise SpecError(f"gate {name[:60]!r} cannot name a gate", hint=USAGE)
    if not prompt:
        raise SpecError(f"gate {name} asks nothing", hint=USAGE)
    if len(prompt) > PROMPT_MAX or "{{" in prompt:
        raise SpecError(
            f"the question of gate {name} is longer than {PROMPT_MAX} characters, or has '{{{{'", hint=USAGE
        )
    return GateText(name, prompt)
