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
        How the token was had: ``token file``, ``kubeconfig`` …
    expires_at : datetime or None
        End of the present token; ``None`` when it is not known.
    """

    user: str
    account: str
    google: str
    run_as: str
    through: str = ""
    expires_at: Optional[datetime] = None
    may_read: tuple[str, ...] = field(default=())
    may_write: tuple[str, ...] = field(default=())
