"""The command line of the runner, and of the child process in which the cell runs."""

from __future__ import annotations

import argparse
import re
from typing import Sequence

_URI = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,221}[a-z0-9]/[^\r\n]+\Z", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)


def main(argv: Sequence[str]) -> int:
    """Run a step, or, with ``--child``, the cell of one.

    Returns
    -------
    int
        0 when the outputs are there and verified, 1 when not, 128 + n when signal n ended it.
    """
    if argv and argv[0] == "--child":
        from argovx_lab.runner.child import run

        folder, messages, parent, go, warm = argv[1:]
        return run(folder, int(messages), int(parent), (int(go), warm))
    parser = argparse.ArgumentParser(prog="runner.pyz", description="Runs one argovx-lab step.")
    parser.add_argument("--intent", type=_uri, required=True, help="gs:// address of intent.json")
    parser.add_argument("--intent-sha256", type=_digest, required=True, help="64 hexadecimal digits")
    parser.add_argument(
        "--grace-s", type=float, default=10.0, help="seconds between SIGTERM and SIGKILL for the cell (10)"
    )
    parser.add_argument(
        "--checkpoint-every-s",
        type=float,
        default=15.0,
        help="seconds between two checkpoints, at least (15)",
    )
    parser.add_argument(
        "--folder", default="", help="read and write below this folder of the machine, not in Cloud Storage"
    )
    args = parser.parse_args(list(argv))
    from argovx_lab.runner.job import Settings, run_step

    return run_step(
        Settings(
            intent=args.intent,
            intent_sha256=args.intent_sha256,
            grace_s=args.grace_s,
            checkpoint_every_s=args.checkpoint_every_s,
            folder=args.folder,
        )
    )


def _uri(text: str) -> str:
    if not _URI.match(text):
        raise argparse.ArgumentTypeError("%.80r is not gs://BUCKET/OBJECT" % text)
    return text


def _digest(text: str) -> str:
    if not _DIGEST.match(text):
        raise argparse.ArgumentTypeError("%.80r is not 64 hexadecimal digits" % text)
    return text
