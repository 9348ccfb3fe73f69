"""The arguments in the open, and their comparison with the specification.

Owns the command line of all modes. Refuses any difference: what a policy judged must be what runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from argovx_lab.errors import SpecError
from argovx_lab.model.step import ArtifactRef, StepSpec


@dataclass(frozen=True)
class Pointer:
    """A producer's manifest as Argo hands it on: where it lies, and the SHA-256 of its bytes."""

    uri: str
    digest: str


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
    wait = modes.add_parser("await", help="wait for a step of another Workflow and hand its results on")
    for name in ("workflow", "workflow-uid", "node", "step"):
        wait.add_argument(f"--{name}", required=True)
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
        raise SpecError("launcher arguments: say run, await, sweep or check")
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
    given = _inputs(args.inputs)
    wanted = {name: asdict(ref) for name, ref in spec.inputs.items()}
    refs = spec.inputs
    plain = {
        name: _as_specified(name, ref, refs[name]) if name in refs else ref for name, ref in given.items()
    }
    if plain != wanted:
        raise _differs("inputs", args.inputs, json.dumps(wanted, sort_keys=True))


def manifests(text: str) -> dict[str, Pointer]:
    """Return the manifests that Argo put into the argument ``inputs``: name of the input → where it lies.

    Raises
    ------
    SpecError
        When the argument is not JSON.
    """
    found = {}
    for name, ref in _inputs(text).items():
        pointer = ref.get("manifest") if isinstance(ref, dict) else None
        if isinstance(pointer, dict):
            found[name] = Pointer(str(pointer.get("uri") or ""), str(pointer.get("digest") or ""))
    return found


def _as_specified(name: str, given: Any, ref: ArtifactRef) -> Any:
    """Return a given reference without the manifest that Argo put in where the step leaves it open."""
    if not (isinstance(given, dict) and isinstance(given.get("manifest"), dict)):
        return given
    pointer = given["manifest"]
    if set(pointer) != {"uri", "digest"} or not all(
        isinstance(value, str) and value for value in pointer.values()
    ):
        raise SpecError(
            f"argument inputs has no manifest for {name}",
            hint=f"{ref.step or 'Its step'} gave none; run it again.",
        )
    return {**given, "manifest": ""}


def _inputs(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecError(
            "argument inputs is not JSON", hint="A step before this one may have ended without a manifest."
        ) from error
    if not isinstance(found, dict):
        raise SpecError("argument inputs is not an object")
    return found


def _differs(name: str, given: str, value: str) -> SpecError:
    return SpecError(
        f"argument {name} is {given[:80]!r}, but the step says {value[:80]!r}",
        hint="The Workflow was changed after it was compiled; submit the cell again.",
    )
