"""``python -m argovx_lab.launcher MODE``: exit codes are those of the table, whatever happens."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence

from argovx_lab import __version__
from argovx_lab.errors import ArgovxError
from argovx_lab.launcher.arguments import parse
from argovx_lab.launcher.awaiting import Await
from argovx_lab.launcher.check import check
from argovx_lab.launcher.context import Interrupt, connect
from argovx_lab.launcher.ending import Ending, of_error
from argovx_lab.launcher.events import Events
from argovx_lab.launcher.report import last_words
from argovx_lab.launcher.settings import from_environment, log_level, termination_log
from argovx_lab.launcher.step import Step
from argovx_lab.launcher.sweep import sweep
from argovx_lab.redact import install, redact


def main(argv: Sequence[str]) -> int:
    """Run the launcher and return its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    install()
    events = Events(sys.stderr)
    try:
        ending = _run(argv, events)
    except ArgovxError as error:
        ending = of_error(error)
        last_words(termination_log(), ending.message)
    except Exception as error:  # the last line of defence: a bug of ours is exit 70, by name
        text = redact(f"{type(error).__name__}: {error}")
        logging.getLogger(__name__).exception("a bug of argovx-lab")
        ending = Ending(70, "InternalError", f"a bug of argovx-lab: {text}", record=False)
        last_words(termination_log(), ending.message)
    events.emit("ended", code=ending.code, reason=ending.reason, message=ending.message)
    return ending.code


def _run(argv: Sequence[str], events: Events) -> Ending:
    interrupt = Interrupt()
    interrupt.install()
    args = parse(argv)
    settings = from_environment()
    logging.getLogger().setLevel(log_level())
    if args.explain:
        sys.stdout.write(json.dumps(settings.explain(), indent=2, sort_keys=True) + "\n")
        return Ending(0, "Succeeded")
    events.emit("started", mode=args.mode, version=__version__)
    context = connect(settings, events, interrupt)
    if args.mode == "await":
        return Await(context, args).run()
    if args.mode == "sweep":
        return sweep(context, args.workflow_uid)
    if args.mode == "check":
        return check(context, args.run_as)
    return Step(context, args).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
