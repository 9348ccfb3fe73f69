"""The Jupyter Server extension: REST and one WebSocket over the merged runs.

Acts as the same principal as the kernel (same profile, same credentials). Owns no state but the read
path's cache; no token is ever part of an answer.
"""

from argovx_lab.server.app import load

__all__ = ["load"]
