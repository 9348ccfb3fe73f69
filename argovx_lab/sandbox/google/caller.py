"""Who calls: what a bearer token proves, as every service of the Google end sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Caller:
    """An authenticated principal.

    Parameters
    ----------
    principal : str
        IAM's own spelling: ``principal://iam.googleapis.com/…/subject/…`` or ``serviceAccount:EMAIL``.
    email : str
        The service account's address; empty for a federated principal.
    subject : str
        Subject of the federated token, or the service account's address.
    scopes : tuple of str
        OAuth scopes of the token.
    expires_at : datetime
        When the token ends (aware, UTC).
    boundary : object, optional
        Credential access boundary of a downscoped token; ``None`` when the token has none.
    """

    principal: str
    email: str
    subject: str
    scopes: tuple[str, ...]
    expires_at: datetime
    boundary: object | None = None
