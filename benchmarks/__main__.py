"""``python -m benchmarks [NAME …]`` runs the named benchmarks, all of them without a name.

They share one sandbox in a temporary folder. Nothing fails on a slow machine: numbers are printed beside
their targets, and a missed one is marked.
"""

import os
import sys
import tempfile

from benchmarks import (
    analysis,
    engine,
    launcher,
    load,
    many,
    pixels,
    runner,
    sandbox,
    step,
    storage,
    watchers,
)

ALL = {
    "analysis": analysis.run,
    "load": load.run,
    "step": step.run,
    "launcher": launcher.run,
    "many": many.run,
    "pixels": pixels.run,
    "sandbox": sandbox.run,
    "storage": storage.run,
    "runner": runner.run,
    "engine": engine.run,
    "watchers": watchers.run,
}


def main(names):
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}")
    with tempfile.TemporaryDirectory(prefix="argovx-bench-") as folder:
        os.environ["ARGOVX_SANDBOX"] = folder
        from pathlib import Path

        from argovx_lab.wiring.local import stop_sandbox

        try:
            for name in names or ALL:
                print(f"\n== {name}: {sys.modules[ALL[name].__module__].__doc__.splitlines()[0]}")
                ALL[name]()
        finally:
            stop_sandbox(Path(folder), everything=True)


if __name__ == "__main__":
    main(sys.argv[1:])
