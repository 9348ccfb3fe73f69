"""``%argovx export``: the whole notebook as a file that runs without it.

Owns both forms. YAML is the Workflow itself, ready for ``kubectl create -f`` or ``argo submit``; a script is
the same Workflow with the documents that it needs, for CI. What the steps read is sent by digest when the
file is written, so that whoever submits it needs no kernel. Refuses to write over a file.
"""

from __future__ import annotations

import base64
import hashlib
import pprint
import secrets
from pathlib import Path
from typing import Any

from argovx_lab.compile.schedule import reusable
from argovx_lab.errors import SpecError
from argovx_lab.model import names
from argovx_lab.notebook import whole, words
from argovx_lab.notebook.blueprint import Blueprint
from argovx_lab.notebook.session import Session

USAGE = "Write: %argovx export FILE.yaml|FILE.py [STEPS] [--param NAME=VALUE] [--force]"

_FORMS = {".yaml": "yaml", ".yml": "yaml", ".py": "script"}

_SCRIPT = '''#!/usr/bin/env python3
"""Runs {notebook} as one Workflow and waits for its end; the exit code says how it went.

Written by %argovx export. Plan {plan}
Needs argovx-lab {version} and a profile (ARGOVX_PROFILE) of user {user} in namespace {namespace}.
"""

from argovx_lab.cli.pipeline import main

# SHA-256 of a document -> its bytes in base64: code and specification of each step.
DOCUMENTS = {documents}

WORKFLOW = {workflow}

if __name__ == "__main__":
    raise SystemExit(main(WORKFLOW, DOCUMENTS))
'''


def export(session: Session, shell: Any, line: str) -> list[str]:
    """Write the file, and send what its steps need.

    Raises
    ------
    ArgovxError
        One line and a hint; no file was written then.
    """
    typed = words.read(line, values=("--param",), switches=("--force",), repeated=("--param",), usage=USAGE)
    if not typed.words:
        raise SpecError("%argovx export needs a file", hint=USAGE)
    named, *steps = typed.words
    file = Path(named.text)
    form = _FORMS.get(file.suffix)
    if named.text.lower() == "hera" or form is None:
        why = "to Hera is not built" if named.text.lower() == "hera" else f"{named.text!r} is no .yaml or .py"
        hint = "Export YAML; Hera reads it with Workflow.from_file." if "Hera" in why else USAGE
        raise words.at(named, f"export {why}", hint)
    if file.exists() and "--force" not in typed.switches:
        raise _there(named, file)
    session.begin()
    plan = whole.make(session, shell, whole.wished(steps, typed))
    text = _yaml(plan) if form == "yaml" else _script(plan)
    plan.send()
    _write(named, file, text, over="--force" in typed.switches)
    run = f"kubectl create -f {file}" if form == "yaml" else f"python {file}"
    return [f"{file}: {len(plan.parts)} steps, plan {_plan(plan)[:12]}…", f"Run it with: {run}"]


def _write(named: words.Word, file: Path, text: str, *, over: bool) -> None:
    """Write the file; without ``over`` what somebody has put there meanwhile stays."""
    try:
        if over:
            fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
            try:
                fresh.write_text(text, "utf-8")
                fresh.replace(file)
            finally:
                fresh.unlink(missing_ok=True)
        else:
            with file.open("x", encoding="utf-8") as out:
                out.write(text)
    except FileExistsError as error:
        raise _there(named, file) from error
    except OSError as error:
        raise words.at(named, f"{file} cannot be written ({error.strerror})", "Name another file.") from error


def _there(named: words.Word, file: Path) -> SpecError:
    return words.at(named, f"{file} is there already", "Add --force to write over it.")


def _plan(plan: Blueprint) -> str:
    return str(plan.manifest["metadata"]["annotations"][names.ANNOTATION_PLAN])


def _yaml(plan: Blueprint) -> str:
    import yaml

    return str(yaml.safe_dump(reusable(plan.manifest), sort_keys=False, allow_unicode=True))


def _script(plan: Blueprint) -> str:
    from argovx_lab import __version__

    documents = {}
    for part in plan.parts:
        for content in (part.source, part.spec.encode()):
            documents[hashlib.sha256(content).hexdigest()] = base64.b64encode(content).decode()
    profile = plan.session.profile
    return _SCRIPT.format(
        notebook=_quoted(plan.session.place.path or "a notebook"),
        plan=_plan(plan),
        version=__version__,
        user=profile.user,
        namespace=profile.namespace,
        documents=_literal(documents),
        workflow=_literal(reusable(plan.manifest)),
    )


def _quoted(text: str) -> str:
    """Return text that may stand in a docstring: nothing in it ends that, whoever has named the file."""
    return repr(text)[1:-1].replace('"', "'")


def _literal(value: Any) -> str:
    """Return plain data as Python source."""
    return pprint.pformat(value, indent=1, width=160, sort_dicts=False)
