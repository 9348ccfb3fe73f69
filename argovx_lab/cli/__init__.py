"""The command ``argovx``: the sandbox, the doctor, the demo, the platform's template.

A face like the notebook: it parses, delegates and prints. Errors are one line and a hint on stderr; the
exit code is the error's own.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence

from argovx_lab import __version__
from argovx_lab.errors import ArgovxError, SandboxError, SpecError
from argovx_lab.redact import install


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    install()
    args = _parser().parse_args(argv)
    try:
        code = int(args.act(args) or 0)
        sys.stdout.flush()
        return code
    except ArgovxError as error:
        print(f"argovx: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"        {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output (head, less) has had enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (so that the interpreter's last flush is silent)
        return 141


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="argovx", description="Notebook cells as Vertex steps on Argo.")
    parser.add_argument("--version", action="version", version=__version__)
    parts = parser.add_subparsers(required=True, metavar="COMMAND")
    _sandbox(parts.add_parser("sandbox", help="the local stand-in for cluster and cloud"))
    doctor = parts.add_parser("doctor", help="check every hop and say what to fix")
    doctor.add_argument("--profile", default="")
    doctor.set_defaults(act=_doctor)
    demo = parts.add_parser("demo", help="run a notebook's steps and watch them")
    demo.add_argument("notebook")
    demo.set_defaults(act=_demo)
    platform = parts.add_parser("platform", help="what a platform team installs")
    kinds = platform.add_subparsers(required=True, metavar="WHAT")
    template = kinds.add_parser("template", help="print the ClusterWorkflowTemplate as YAML")
    template.add_argument("--profile", default="")
    template.set_defaults(act=_template)
    roles = kinds.add_parser("roles", help="print the gcloud lines of the custom roles")
    roles.add_argument("--profile", default="")
    roles.set_defaults(act=_roles)
    return parser


def _sandbox(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verbs.add_parser("start", help="start it, or say that it runs").set_defaults(act=_start)
    stop = verbs.add_parser("stop", help="stop the server; running pods and jobs go on")
    stop.add_argument("--all", action="store_true", help="end running pods and jobs as well")
    stop.set_defaults(act=_stop)
    status = verbs.add_parser("status", help="where it is and what it has")
    status.add_argument("--json", action="store_true", help="print the discovery document")
    status.set_defaults(act=_status)
    verbs.add_parser("env", help="print export lines for a shell").set_defaults(act=_env)
    run = verbs.add_parser("run", help="run a command whose clients reach the sandbox unchanged")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD …")
    run.set_defaults(act=_run)


def _start(_args: argparse.Namespace) -> None:
    from argovx_lab.wiring.local import start_sandbox

    status = start_sandbox()
    print(f"sandbox runs: pid {status.pid}, project {status.project}, namespace {status.namespace}")


def _stop(args: argparse.Namespace) -> None:
    from argovx_lab.wiring import sandbox_dir
    from argovx_lab.wiring.local import stop_sandbox

    stopped = stop_sandbox(sandbox_dir(), everything=args.all)
    left = stopped.still_running
    rest = f"; {left} pods or jobs go on (argovx sandbox stop --all ends them)" if left else ""
    print(("sandbox stopped" if stopped.was_running else "the sandbox did not run") + rest)


def _status(args: argparse.Namespace) -> int:
    from argovx_lab.wiring.local import sandbox_status

    status = sandbox_status()
    if status is None:
        raise SandboxError("the sandbox does not run", hint="Start it: argovx sandbox start")
    document = status.to_dict()
    if args.json:
        print(json.dumps(document, indent=2))
    else:
        missing = document.pop("missing")
        width = max(map(len, document))
        for name, value in document.items():
            print(f"{name:<{width}}  {value if value is not None else '–'}")
        _print_missing(missing)
    return 0


def _print_missing(missing: Mapping[str, int]) -> None:
    """Say which RPCs clients asked for that the sandbox does not have, the most wanted first."""
    if missing:
        print("\nasked for in vain (calls):")
    for name, count in sorted(missing.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {count:>6}  {name}")


def _env(_args: argparse.Namespace) -> None:
    from argovx_lab.wiring.local import sandbox_environment

    for name, value in sandbox_environment().items():
        print(f"export {name}={shlex.quote(value)}")


def _run(args: argparse.Namespace) -> int:
    from argovx_lab.wiring.local import sandbox_environment

    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise SpecError("no command is given", hint="argovx sandbox run -- python script.py")
    environment = {**os.environ, **sandbox_environment()}
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606  (the user's own command)
    except OSError as error:
        raise SpecError(f"{command[0]} cannot be run: {error.strerror}") from error


def _doctor(args: argparse.Namespace) -> int:
    from argovx_lab.wiring import Services, load_profile
    from argovx_lab.wiring.doctor import examine, lines
    from argovx_lab.wiring.local import sandbox_status
    from argovx_lab.wiring.profiles import SANDBOX

    ran = sandbox_status() is not None
    profile = load_profile(args.profile)
    if profile.name == SANDBOX and not ran:
        print("– sandbox: it did not run and was started")
    bad = 0
    for check in examine(Services(profile)):
        print("\n".join(lines(check)), flush=True)
        bad += check.good is False
    return 1 if bad else 0


def _demo(args: argparse.Namespace) -> int:
    from argovx_lab.cli.demo import run

    return run(args.notebook)


def _roles(args: argparse.Namespace) -> None:
    from argovx_lab.wiring import load_profile
    from argovx_lab.wiring.platform import role_lines

    print("\n".join(role_lines(load_profile(args.profile).project)))


def _template(args: argparse.Namespace) -> None:
    import yaml

    from argovx_lab.compile.platform import cluster_template
    from argovx_lab.wiring import load_profile
    from argovx_lab.wiring.platform import platform_of

    print(yaml.safe_dump(cluster_template(platform_of(load_profile(args.profile))), sort_keys=False), end="")
