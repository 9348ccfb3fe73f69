"""The job's own access token, from the metadata server; kept in memory, renewed before it ends.

``GCE_METADATA_HOST`` is honoured, with a path. Refuses answers without the ``Metadata-Flavor``
header, so that nothing else on that address is taken for the metadata server.

Source: https://cloud.google.com/compute/docs/metadata/querying-metadata
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time

from argovx_lab.errors import CredentialError

#: A token is renewed this long before its end. Unit: seconds.
EARLY_S = 120.0

_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_TRIES = 4


class TokenSource:
    """Access tokens of the job's service account; never shown by ``repr``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def __repr__(self) -> str:
        return "TokenSource(…)"

    def get(self) -> str:
        """Return a token that is good for two more minutes.

        Raises
        ------
        CredentialError
            When the metadata server gives none.
        """
        with self._lock:
            if time.monotonic() >= self._until:
                self._fetch()
            return self._token

    def refuse(self, token: str) -> None:
        """Forget ``token``: a remote end answered 401 to it."""
        with self._lock:
            if token == self._token:
                self._until = 0.0

    def _fetch(self) -> None:
        reason = ""
        for count in range(_TRIES):
            if count:
                time.sleep(0.3 * 2**count)
            try:
                self._token, seconds = _ask()
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
                reason = type(error).__name__ if isinstance(error, OSError) else str(error)[:80]
                continue
            self._until = time.monotonic() + max(1.0, seconds - EARLY_S)
            return
        raise CredentialError(
            "the metadata server gave no token for the job's service account (%s)" % reason,
            hint="The custom job needs a service account, and its image must reach the metadata server.",
        )


def _ask() -> tuple[str, float]:
    host, _, path = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal").partition("/")
    connection = http.client.HTTPConnection(host, timeout=10.0)
    try:
        connection.request(
            "GET", ("/" + path.strip("/") if path else "") + _PATH, headers={"Metadata-Flavor": "Google"}
        )
        response = connection.getresponse()
        data = response.read(64 << 10)
    finally:
        connection.close()
    if response.status != 200:
        raise ValueError("HTTP %d" % response.status)
    if response.getheader("Metadata-Flavor") != "Google":
        raise ValueError("the answer lacks Metadata-Flavor")
    document = json.loads(data)
    return str(document["access_token"]), float(document["expires_in"])
