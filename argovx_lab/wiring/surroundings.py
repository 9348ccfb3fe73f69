"""What a process on this machine may know of it: how the network is reached, and nothing else."""

from __future__ import annotations

import os

#: Variables that a step on this machine keeps. No credentials, no settings of ours, no settings of Python's.
_KEPT = (
    "TZ",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_CERT",
)


def machine_environment() -> dict[str, str]:
    """Return the part of this process's environment that says how the machine reaches the network.

    An address with a user or password in it is left out.
    """
    found = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {name: value for name, value in found.items() if "@" not in value}
