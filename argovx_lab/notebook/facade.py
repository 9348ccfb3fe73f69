"""``argovx`` in the notebook: the same names that exist inside a job, so that a cell runs in both places.

Outside a job there is no run to report to: values are shown, nothing is recorded.
"""

from __future__ import annotations

import functools
import logging
import platform
import tempfile
from collections.abc import Mapping

from argovx_lab.errors import SpecError
from argovx_lab.runner.facade import Context

logger = logging.getLogger(__name__)


class Facade:
    """Stand-in for the module ``argovx`` that the runner provides inside a job."""

    def log_metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Check ``values`` as the job would; in the notebook they are not recorded.

        Raises
        ------
        SpecError
            When a value is not a number.
        """
        for name, value in values.items():
            try:
                float(value)
            except (TypeError, ValueError) as error:
                message = f"metric {name} is {value!r}; a metric is a number"
                raise SpecError(message, hint="Log float(...).") from error
        logger.info("argovx: metrics outside a job are not recorded (step %s)", step)

    def progress(self, done: int, total: int) -> None:
        """Check the progress as the job would; in the notebook it is not recorded.

        Raises
        ------
        SpecError
            When it is not ``0 <= done <= total``.
        """
        if not 0 <= done <= total:
            raise SpecError(f"progress {done} of {total} is out of range", hint="Use 0 <= done <= total.")

    @functools.cached_property
    def checkpoint_dir(self) -> str:
        """A folder of this kernel, empty at first; in a job its files outlive the machine."""
        return tempfile.mkdtemp(prefix="argovx-checkpoints-")

    @functools.cached_property
    def context(self) -> Context:
        """What a job says of itself; outside of one most of it is empty."""
        from argovx_lab import __version__

        empty = dict.fromkeys(("step", "notebook", "cell", "workflow", "workflow_uid", "task"), "")
        return Context(
            **empty,
            namespace="",
            user="",
            attempt=0,
            restart=0,
            replica=0,
            job="",
            python=platform.python_version(),
            version=__version__,
        )

    def __repr__(self) -> str:
        return "<argovx: log_metrics, progress, checkpoint_dir, context; %%vertex_step makes a cell a step>"
