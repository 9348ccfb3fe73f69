"""Run the runner: ``python3 runner.pyz --intent URI --intent-sha256 HEX``."""

from __future__ import annotations

import sys

from argovx_lab.runner.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
