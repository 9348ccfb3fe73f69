"""Who acts: one object that says who, through what, until when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Optional


@dataclass(frozen=True)
class Principal:
    """An identity as the remote ends see it; never holds a token.

    Parameters
    ----------
    user : str
        Slug of the person.
    account : str
        Kubernetes user name, such as ``system:serviceaccount:argovx:nb-ada``.
    google : str
        IAM principal, such as ``principal://iam.googleapis.com/…/subject/…``.
    run_as : str
        Google service account of the custom jobs.
    through : str
        How the token was had, hop by hop: ``projected ServiceAccount token, STS`` …
    expires_at : datetime or None
        End of the present token; ``None`` when it is not known.
    may_read, may_write : tuple of str
        Places that a step may read and write, as ``gs://…``.
    scope : tuple of str
        What the present token is good for: OAuth scopes, and the places of its boundary.
    problem : str
        Why no token could be had; empty when there is one, or nobody was asked.
    """

    user: str
    account: str
    google: str
    run_as: str
    through: str = ""
    expires_at: Optional[datetime] = None
    may_read: tuple[str, ...] = field(default=())
    may_write: tuple[str, ...] = field(default=())
    scope: tuple[str, ...] = field(default=())
    problem: str = ""

    def lines(self, now: datetime) -> list[str]:
        """Return the three lines that people read: who submits, who runs, what steps may touch."""
        google = self.google or "a principal that is not known yet"
        had = f"no token: {self.problem}" if self.problem else f"by {self.through}"
        ends = ""
        if self.expires_at:
            minutes = max(0, int((self.expires_at - now).total_seconds() // 60))
            ends = f"; token good for {minutes} min"
        bounds = [place for place in self.scope if ": " in place]
        scope = f" ({', '.join(bounds)})" if bounds else ""
        return [
            f"submitter  {self.user} · {self.account} · at Google {google} ({had})",
            f"run-as     {self.run_as}",
            f"steps      read {', '.join(self.may_read)}; write {', '.join(self.may_write)}{ends}{scope}",
        ]
