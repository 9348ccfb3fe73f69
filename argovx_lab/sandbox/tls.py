"""The sandbox's own certificate authority and its one server certificate, made once and kept.

Refuses to sign for anybody else: the CA's key is written for its owner only and used once.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from argovx_lab.sandbox.state import StateDir, write_private

#: Names that the server answers to: loopback, and what unmodified clients believe to talk to.
NAMES = (
    "localhost",
    "127.0.0.1",
    "::1",
    "kubernetes.default.svc",
    "googleapis.com",
    "*.googleapis.com",
    "*.rep.googleapis.com",
    "*.storage.googleapis.com",
    "*.google.internal",
)


def ensure(state: StateDir) -> None:
    """Make CA, certificate and bundle where they are not there."""
    server = state.tls / "server.pem"
    if not (server.exists() and state.ca.exists()):
        import trustme  # 0.1 s, needed once in a state folder's life

        ca = trustme.CA(organization_name="argovx-lab sandbox")
        leaf = ca.issue_cert(*NAMES, common_name="localhost")
        write_private(state.tls / "ca-key.pem", ca.private_key_pem.bytes())
        write_private(server, leaf.private_key_and_cert_chain_pem.bytes())
        write_private(state.ca, ca.cert_pem.bytes())
        state.ca_bundle.unlink(missing_ok=True)
    if not state.ca_bundle.exists():
        import certifi

        roots = Path(certifi.where()).read_bytes()
        write_private(state.ca_bundle, roots.rstrip() + b"\n\n" + state.ca.read_bytes())


def context(state: StateDir) -> ssl.SSLContext:
    """Return the server's side of TLS: HTTP/2 and HTTP/1.1 by ALPN."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(state.tls / "server.pem")
    made.set_alpn_protocols(["h2", "http/1.1"])
    return made
