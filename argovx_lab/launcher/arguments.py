"""The arguments in the open, and their comparison with the specification.

Owns the command line of ``run``, ``sweep`` and ``check``. Refuses any difference: what a policy judged
must be what runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NoReturn

from argovx_lab.errors import SpecError
from argovx_lab.model.step import StepSpec


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SpecError(
            f"launcher arguments: {message}", hint="Template and launcher image must be of one version."
        )


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser; its errors are :class:`SpecError`."""
    top = _Parser(prog="python -m argovx_lab.launcher", description=__doc__.partition("\n")[0])
    top.add_argument("--explain", action="store_true", help="print all settings, times included, and end")
    modes = top.add_subparsers(dest="mode", parser_class=_Parser)
    run = modes.add_parser("run", help="run one step")
    for name in (
        "spec",
        "spec-digest",
        "inputs",
        "kind",
        "image",
        "machine-type",
        "timeout",
        "retries",
        "run-as",
    ):
        run.add_argument(f"--{name}", required=True)
    run.add_argument("--accelerator", default="")
    run.add_argument("--accelerator-count", default="0")
    run.add_argument("--replicas", default="1")
    run.add_argument("--strategy", default="STANDARD")
    run.add_argument("--disk-gb", default="0")
    run.add_argument("--persistent-resource", default="")
    run.add_argument("--retry-failures", default="false")
    run.add_argument("--ordinal", type=int, default=0, help="Argo's {{retries}}, from 0")
    sweep = modes.add_parser("sweep", help="cancel what a Workflow has left running")
    sweep.add_argument("--workflow-uid", required=True)
    check = modes.add_parser("check", help="ask every hop of a step; creates nothing")
    check.add_argument("--run-as", required=True)
    return top


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line.

    Raises
    ------
    SpecError
        For unknown or missing flags.
    """
    args = parser().parse_args(list(argv))
    if args.mode is None and not args.explain:
        raise SpecError("launcher arguments: say run, sweep or check")
    return args


def compare(args: argparse.Namespace, spec: StepSpec) -> None:
    """Refuse when an argument is not what the specification says.

    Raises
    ------
    SpecError
        Naming the first difference.
    """
    expected = {
        "spec-digest": spec.digest,
        "kind": spec.kind,
        "image": spec.environment.image,
        "machine-type": spec.machine.type,
        "accelerator": spec.machine.accelerator,
        "accelerator-count": str(spec.machine.accelerator_count),
        "timeout": str(spec.timeout_s),
        "retries": str(spec.retries),
        "retry-failures": "true" if spec.retry_failures else "false",
        "run-as": spec.run_as,
        "replicas": str(spec.machine.replicas),
        "strategy": spec.machine.strategy,
        "disk-gb": str(spec.machine.disk_gb),
        "persistent-resource": spec.machine.persistent,
    }
    for name, value in expected.items():
        given = getattr(args, name.replace("-", "_"))
        if given != value:
            raise _differs(name, given, value)
    wanted = {name: asdict(ref) for name, ref in spec.inputs.items()}
    if _inputs(args.inputs) != wanted:
        raise _differs("inputs", args.inputs, json.dumps(wanted, sort_keys=True))


def _inputs(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SpecError("argument inputs is not JSON") from error


def _differs(name: str, given: str, value: str) -> SpecError:
    return SpecError(
        f"argument {name} is {given[:80]!r}, but the step says {value[:80]!r}",
        hint="The Workflow was changed after it was compiled; submit the cell again.",
    )
