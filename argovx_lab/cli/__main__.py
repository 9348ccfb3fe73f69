"""``python -m argovx_lab.cli``."""

import sys

from argovx_lab.cli import main

sys.exit(main())
