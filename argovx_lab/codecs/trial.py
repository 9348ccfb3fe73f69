"""Lets a process of its own read a model first: compiled readers crash on damaged bytes instead of raising.

Owns that process. Refuses, with one line, what it did not survive.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from argovx_lab.errors import CodecError

#: Longest trial. Unit: seconds. Reason: a gigabyte of trees is read in less.
TRIAL_S = 120

_CODE = """import json, sys
sys.path[:] = json.loads(sys.argv[1])
with open(sys.argv[3], "rb") as file:
    data = file.read()
if sys.argv[2] == "xgboost":
    import xgboost
    model = xgboost.Booster()
    model.load_model(bytearray(data))
    model.save_raw("json")
else:
    import lightgbm
    lightgbm.Booster(model_str=data.decode()).model_to_string()
"""


def try_model(library: str, data: bytes) -> None:
    """Have another process read the model.

    Raises
    ------
    CodecError
        When it ended by anything but success.
    """
    with tempfile.TemporaryDirectory(prefix="argovx-trial-") as folder:
        path = os.path.join(folder, "model")
        with open(path, "wb") as file:
            file.write(data)
        command = [sys.executable, "-I", "-c", _CODE, json.dumps(sys.path), library, path]
        try:
            done = subprocess.run(
                command, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=TRIAL_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CodecError("its model could not be tried: %.160s" % error) from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no word"]
        raise CodecError(
            "the bytes are not a model that %s reads (%.120s)" % (library, lines[-1]),
            hint="Use the %s that wrote it." % library,
        )
