"""Who a state folder belongs to: chosen at its first start, the same for ever after."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

from argovx_lab.errors import SandboxError
from argovx_lab.model import names
from argovx_lab.sandbox.state import StateDir, write_private

#: Google's rule for the part of an account's address before the @, less our own prefix.
_USER = re.compile(r"[a-z][a-z0-9-]{0,28}[a-z0-9]|[a-z]", re.ASCII)


@dataclass(frozen=True)
class Identity:
    """Names of the project and of the person.

    Parameters
    ----------
    user : str
        Slug; names the accounts ``owner-``, ``nb-``, ``wf-`` and ``u-<user>``.
    """

    user: str
    project: str = "argovx-sandbox"
    project_number: str = "418253107624"
    region: str = "us-central1"
    namespace: str = "argovx"
    pool: str = "argovx"
    provider: str = "sandbox"

    @property
    def bucket(self) -> str:
        """The person's bucket."""
        return f"argovx-sandbox-{self.user}"

    @property
    def audience(self) -> str:
        """The provider's full name: what tokens are exchanged for, and made out to."""
        return (
            f"//iam.googleapis.com/projects/{self.project_number}/locations/global"
            f"/workloadIdentityPools/{self.pool}/providers/{self.provider}"
        )

    @property
    def run_as(self) -> str:
        """The Google service account of the person's jobs."""
        return names.run_as(self.user, self.project)


def load(state: StateDir, user: str) -> Identity:
    """Return the folder's identity; a new folder takes ``user``.

    Raises
    ------
    SandboxError
        When the folder belongs to somebody else, or ``user`` cannot name accounts.
    """
    if state.identity.exists():
        identity = Identity(**json.loads(state.identity.read_text()))
        if user and user != identity.user:
            raise SandboxError(
                f"the sandbox in {state.root} belongs to user {identity.user!r}, not {user!r}",
                hint="give each user a state folder: ARGOVX_SANDBOX",
            )
        return identity
    if not _USER.fullmatch(user):
        raise SandboxError(
            f"user {user!r} cannot name accounts",
            hint="use a letter, then letters, digits and '-', at most 30 characters",
        )
    identity = Identity(user)
    write_private(state.identity, json.dumps(asdict(identity)))
    return identity
