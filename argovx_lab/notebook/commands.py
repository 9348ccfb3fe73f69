"""The line magic ``%argovx``: one function per word, each returns lines that can be shown.

Refuses unknown words and missing arguments with the list of what there is.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from argovx_lab.capture.arguments import USAGE
from argovx_lab.errors import SpecError
from argovx_lab.model.run import Phase, Run
from argovx_lab.notebook.pull import retry
from argovx_lab.notebook.session import Session
from argovx_lab.notebook.stale import stale_lines
from argovx_lab.runs.stopping import stop_step
from argovx_lab.runs.words import SIGNS, local_time, state_line
from argovx_lab.wiring import default_name


@dataclass(frozen=True)
class Lines:
    """Plain lines with a table-like look everywhere."""

    lines: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def execute(
    session: Session, line: str, namespace: MutableMapping[str, Any] | None = None, shell: Any = None
) -> Any:
    """Run one ``%argovx`` line.

    Parameters
    ----------
    namespace : dict, optional
        The user's names, where ``status``, ``attach`` and ``pull`` bind what they bring.
    shell : InteractiveShell, optional
        The kernel's shell: what works on the whole notebook asks it for the cells that ran.

    Raises
    ------
    SpecError
        For an unknown word or a wrong number of arguments.
    """
    word, *arguments = line.split() or ["status"]
    if word in ("help", "--help", "-h", "?"):
        return Lines(tuple(_help()))
    if word in _GRAPH and shell is not None:
        rest = line.lstrip()
        return _GRAPH[word][0](session, shell, " " * (len(line) - len(rest) + len(word)) + rest[len(word) :])
    if word not in _WORDS:
        there = (*_WORDS, *_GRAPH)
        near = difflib.get_close_matches(word, there, n=1)
        hint = f"Did you mean %argovx {near[0]}?" if near else f"There are: {', '.join(there)}."
        raise SpecError(f"%argovx does not know {word!r}", hint=hint)
    function, names, _ = _WORDS[word]
    if len(arguments) != len(names):
        raise SpecError(
            f"%argovx {word} takes {len(names)} argument{'' if len(names) == 1 else 's'}",
            hint=f"Write: %argovx {' '.join([word, *names])}",
        )
    if word in _BINDING:
        return Lines(tuple(function(session, {} if namespace is None else namespace, *arguments)))
    return Lines(tuple(function(session, *arguments)))


def _status(session: Session, namespace: MutableMapping[str, Any]) -> list[str]:
    bound = session.attach(namespace)
    lines = [*_state(session), *stale_lines(session, namespace)]
    return [*lines, *([f"attached: {', '.join(bound)}"] if bound else [])]


def _attach(session: Session, namespace: MutableMapping[str, Any]) -> list[str]:
    bound = session.attach(namespace, again=True)
    return [f"attached: {', '.join(bound)}" if bound else "the kernel has every result of this run"]


def _pull(session: Session, namespace: MutableMapping[str, Any], step: str) -> list[str]:
    from argovx_lab.notebook.pull import pull

    return pull(session, step, namespace)


def _state(session: Session) -> list[str]:
    session.path.follower.refresh()
    session.path.follower.look(session.run_id)
    run = session.path.store.get(session.run_id)
    head = f"run {session.run_id} · profile {session.profile.name}"
    if run is None:
        return [head, "No steps yet. Type %%vertex_step NAME at the top of a cell and run it."]
    lines = [f"{head} · {run.phase.value}", *(state_line(node) for node in run.nodes)]
    return [*lines, run.note] if run.note else lines


def _runs(session: Session) -> list[str]:
    runs = session.path.store.all()
    if not runs:
        return ["No runs yet. Type %%vertex_step NAME at the top of a cell and run it."]
    return [_run_line(run) for run in runs]


def _run_line(run: Run) -> str:
    done = sum(node.phase.final for node in run.nodes)
    cached = run.counts.get(Phase.CACHED.value, 0)
    parts = [run.id, run.phase.value, f"{done}/{len(run.nodes)}", local_time(run.created_at), run.notebook]
    parts += [f"{cached} cached"] if cached else []
    return f"{SIGNS[run.phase]} {'  '.join(parts)}"


def _use(session: Session, name: str) -> list[str]:
    profile = session.use(name)
    lines = [f"profile {profile.name}: project {profile.project}, namespace {profile.namespace}"]
    if profile.name != default_name():
        lines.append(
            f"The panel shows profile {default_name()}, with which JupyterLab was started;"
            f" to see this one's runs there, start it with ARGOVX_PROFILE={profile.name}."
        )
    return lines


def _stop(session: Session, step: str) -> list[str]:
    services = session.services
    stop_step(services.cluster, services.jobs, session.active(step), session.profile.principal)
    return [f"{step} is being stopped"]


def _retry(session: Session, step: str) -> list[str]:
    return [f"{step} is run again with the code and inputs that it had: {retry(session, step)}"]


def _logs(session: Session, step: str) -> list[str]:
    follower, run_id = session.path.follower, session.run_id
    log = follower.logs(run_id, step, 0)
    nothing = f"{step} wrote nothing" if log.complete else f"{step} has written nothing yet"
    lines = log.text.splitlines() or [nothing]
    if not log.complete and follower.logs(run_id, step, log.next).text:
        lines.append(f"… the log goes on after {log.next:,} bytes; the panel shows all of it")
    return lines


def _new_run(session: Session) -> list[str]:
    return [f"run {session.new_run()}"]


def _whoami(session: Session) -> list[str]:
    return session.services.principal().lines(datetime.now(UTC))


def _doctor(session: Session) -> list[str]:
    from argovx_lab.wiring.doctor import examine, lines

    return [line for check in examine(session.services) for line in lines(check)]


def _help() -> list[str]:
    usages = {word: " ".join(["%argovx", word, *names]) for word, (_, names, _) in _WORDS.items()}
    usages |= {word: usage for word, (_, usage, _) in _GRAPH.items()}
    width = max(map(len, usages.values()))
    lines = [f"{usages[word]:<{width}}  {what}" for word, (_, _, what) in {**_WORDS, **_GRAPH}.items()]
    return [*lines, "", f"A step: {USAGE}"]


def _run(session: Session, shell: Any, line: str) -> Any:
    from argovx_lab.notebook.runs import run

    return run(session, shell, line)


def _shown(act: Callable[[Session, Any, str], Any]) -> Callable[[Session, Any, str], Any]:
    """Return the act with its lines as they are shown."""

    def show(session: Session, shell: Any, line: str) -> Any:
        found = act(session, shell, line)
        return Lines(tuple(found)) if isinstance(found, list) else found

    return show


def _gate(session: Session, shell: Any, line: str) -> Any:
    from argovx_lab.notebook.gates import gate

    return gate(session, shell, line)


def _approve(session: Session, shell: Any, line: str) -> Any:
    from argovx_lab.notebook.gates import approve

    return approve(session, shell, line)


def _deny(session: Session, shell: Any, line: str) -> Any:
    from argovx_lab.notebook.gates import deny

    return deny(session, shell, line)


def _schedule(session: Session, shell: Any, line: str) -> Any:
    from argovx_lab.notebook.schedules import schedule

    return schedule(session, shell, line)


def _export(session: Session, shell: Any, line: str) -> Any:
    from argovx_lab.notebook.export import export

    return export(session, shell, line)


def _dataset(session: Session, shell: Any, line: str) -> Any:
    from argovx_lab.notebook.datasets import command

    return command(session, shell, line)


#: Words about the whole notebook, or with words of their own: they read the rest of the line themselves, with
#: its columns.
_GRAPH: dict[str, tuple[Callable[[Session, Any, str], Any], str, str]] = {
    "run": (_run, "%argovx run [NAMES]", "all steps, or some and what they need, as one Workflow"),
    "export": (_shown(_export), "%argovx export FILE", "the whole notebook as YAML or as a script for CI"),
    "gate": (_shown(_gate), '%argovx gate NAME "QUESTION"', "a run waits here for a person"),
    "approve": (_shown(_approve), "%argovx approve GATE", "let a run go on that waits at a gate"),
    "deny": (_shown(_deny), "%argovx deny GATE", "end a gate; nothing below it runs"),
    "dataset": (
        _shown(_dataset),
        "%argovx dataset put NAME PATH",
        "versions of data that never change; also: list, show, diff, alias",
    ),
    "schedule": (
        _shown(_schedule),
        '%argovx schedule "CRON"',
        "the whole notebook, again and again; also: list",
    ),
}

#: Words that bind names of the user's.
_BINDING = frozenset({"status", "attach", "pull"})

_WORDS: dict[str, tuple[Callable[..., list[str]], tuple[str, ...], str]] = {
    "status": (_status, (), "the steps of this notebook's run; also without a word"),
    "attach": (_attach, (), "bind the run's results that this kernel does not have"),
    "pull": (_pull, ("STEP",), "bring a step's inputs here, and what it had assigned when it failed"),
    "retry": (_retry, ("STEP",), "run a step again with the code and inputs that it had"),
    "runs": (_runs, (), "all runs of the namespace, newest first"),
    "use": (_use, ("PROFILE",), "go on with another profile; runs of the old one go on"),
    "stop": (_stop, ("STEP",), "stop a step; its job is cancelled"),
    "logs": (_logs, ("STEP",), "what a step has written"),
    "new-run": (_new_run, (), "begin another run of this notebook"),
    "whoami": (_whoami, (), "who submits, who runs, and what steps may read and write"),
    "doctor": (_doctor, (), "check every hop and say what to fix"),
}
