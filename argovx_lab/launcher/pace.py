"""Turns: create calls of all of a user's launchers share the minute without knowing of one another.

Owns a row of places on the clock, each a write-once object in the user's folder. Whoever writes it has it,
and sends its create call when the place's time has come. Refuses to send without one.

Notes
-----
Vertex takes 60 submissions a minute and project. Source: https://cloud.google.com/vertex-ai/docs/quotas. What
other users of the project send is not known here: it shows as 429, which costs a further place.

A place comes every ``60 / (3/4 · limit)`` seconds and may be used up to 20 seconds late, so that a quiet user
need not wait. Then any 60 seconds hold the places of 80 at most: the limit.
"""

from __future__ import annotations

import math
import random

from argovx_lab.errors import Conflict
from argovx_lab.model.layout import Layout
from argovx_lab.model.step import canonical
from argovx_lab.storage.objects import Objects

#: A place may be used so late. Unit: seconds.
LATE_S = 20.0

#: The share of the limit that the row of places has; the rest is what late places may add to a minute.
_SHARE = 60.0 / (60.0 + LATE_S)

#: First number of free places to choose from after one was lost to another launcher; then twice as many.
_CHOICE = 8


class Pace:
    """The row of places of one user.

    Parameters
    ----------
    per_minute : float
        Most create calls in any 60 seconds; 0 means that nobody counts.

    Attributes
    ----------
    crowded : bool
        Whether the place was so far off that many launchers must be there: then Vertex is asked less often.
    """

    def __init__(self, objects: Objects, layout: Layout, per_minute: float) -> None:
        self._objects = objects
        self._layout = layout
        self._every_s = 60.0 / (_SHARE * per_minute) if per_minute else 0.0
        self.crowded = False

    def take(self, key: str, now: float) -> float:
        """Take a place and return how long to wait for it, in seconds.

        Parameters
        ----------
        key : str
            Attempt key, written into the place for whoever wonders.
        now : float
            Seconds since 1970: the clock that all launchers share.

        Raises
        ------
        PermissionMissing, CredentialError, Unavailable
            As storage answers.
        """
        if not self._every_s:
            return 0.0
        last = math.floor(now / self._every_s)
        first = math.ceil((now - LATE_S) / self._every_s)
        place, choice = random.randint(min(first, last), last), _CHOICE  # noqa: S311
        while not self._write(place, key):
            free = self._free(min(first, last), last, choice)
            place, choice = random.choice(free), choice * 2  # noqa: S311
        seconds = max(place * self._every_s - now, 0.0)
        self.crowded = self.crowded or seconds > LATE_S
        return seconds

    def _write(self, place: int, key: str) -> bool:
        data = canonical({"attempt_key": key})
        try:
            self._objects.create(
                self._layout.bucket, self._layout.turn(place), data, content_type="application/json"
            )
        except Conflict:
            return False
        return True

    def _free(self, first: int, last: int, choice: int) -> list[int]:
        """Return the free places of the past, else so many of the next."""
        start = self._layout.turn(first)
        found = self._objects.list(self._layout.bucket, self._layout.turns, start_offset=start)
        taken = {int(item.name.rpartition("/")[2]) for item in found}
        past = [place for place in range(first, last + 1) if place not in taken]
        if past:
            return past
        free: list[int] = []
        place = last + 1
        while len(free) < choice:
            if place not in taken:
                free.append(place)
            place += 1
        return free
