"""The program inside the Vertex job: reads a step by digest, runs the cell, leaves results and a record.

Travels as one zipapp of `errors`, `codecs` and this package; standard library only, Python 3.9
syntax. Never installs or upgrades itself, never prints a token, never follows a redirect.
"""

from __future__ import annotations

#: Version of the messages in ``events/``; readers take this one and the one before.
PROTOCOL = 1

#: Schemas that this runner reads and writes.
INTENT = "argovx.intent/1"
STEP = "argovx.step/1"
SOURCE = "argovx.source/1"
MANIFEST = "argovx.manifest/1"
PARTIAL = "argovx.partial/1"
