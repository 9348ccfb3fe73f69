/**
 * Narrowing at the edge: `unknown` from the wire to the generated types of runs and identities.
 *
 * The server validates its own documents, so these check what the views would stumble over and fill
 * what an older or newer server leaves out. What is not even an object is refused with its name.
 */
import type {
  ArgoSide,
  Attempt,
  Cached,
  Cell,
  Edge,
  Execution,
  Exit,
  Experiment,
  Input,
  Node,
  Output,
  Phase,
  Principal,
  Run,
  Stop,
  Times,
  VertexSide
} from './schema';
import { PHASES } from './schema';
import {
  dict,
  isDict,
  list,
  MalformedError,
  maybeText,
  number,
  numbers,
  strings,
  text,
  texts
} from './values';

/** A phase of the vocabulary; a word of a newer server reads as Queued: not final, nothing claimed. */
export function readPhase(value: unknown): Phase {
  return PHASES.find(phase => phase === value) ?? 'Queued';
}

function readTimes(value: unknown): Times {
  const times = isDict(value) ? value : {};
  return {
    queued_at: maybeText(times.queued_at),
    provisioning_at: maybeText(times.provisioning_at),
    running_at: maybeText(times.running_at),
    uploading_at: maybeText(times.uploading_at),
    finished_at: maybeText(times.finished_at)
  };
}

function readArgo(value: unknown): ArgoSide | null {
  return isDict(value)
    ? {
        workflow: text(value.workflow),
        workflow_uid: text(value.workflow_uid),
        node_id: text(value.node_id),
        phase: text(value.phase),
        message: text(value.message),
        pod: text(value.pod),
        attempts: Math.max(1, number(value.attempts))
      }
    : null;
}

function readVertex(value: unknown): VertexSide | null {
  return isDict(value)
    ? {
        job: text(value.job),
        state: text(value.state),
        error: text(value.error),
        console_url: text(value.console_url),
        account: text(value.account)
      }
    : null;
}

function readCell(value: unknown): Cell | null {
  return isDict(value)
    ? { notebook: text(value.notebook), cell_id: text(value.cell_id), number: number(value.number) }
    : null;
}

function readInput(value: unknown): Input {
  const input = dict(value, 'an input');
  return {
    name: text(input.name),
    step: text(input.step),
    output: text(input.output),
    digest: text(input.digest),
    codec: text(input.codec),
    size_bytes: number(input.size_bytes)
  };
}

function readOutput(value: unknown): Output {
  const output = dict(value, 'an output');
  return {
    name: text(output.name),
    codec: text(output.codec),
    summary: text(output.summary),
    size_bytes: number(output.size_bytes),
    digest: text(output.digest),
    uri: text(output.uri),
    state: text(output.state)
  };
}

function readExit(value: unknown): Exit | null {
  return isDict(value)
    ? {
        code: typeof value.code === 'number' ? value.code : null,
        reason: text(value.reason),
        error: text(value.error),
        place: text(value.place),
        traceback: texts(value.traceback)
      }
    : null;
}

function readExecution(value: unknown): Execution {
  const execution = dict(value, 'an execution');
  return {
    workflow: text(execution.workflow),
    phase: readPhase(execution.phase),
    finished_at: maybeText(execution.finished_at),
    message: text(execution.message),
    created_at: maybeText(execution.created_at)
  };
}

function readAttempt(value: unknown): Attempt {
  const attempt = dict(value, 'an attempt');
  return {
    number: Math.max(1, number(attempt.number)),
    phase: readPhase(attempt.phase),
    started_at: maybeText(attempt.started_at),
    finished_at: maybeText(attempt.finished_at),
    message: text(attempt.message)
  };
}

function readExperiment(value: unknown): Experiment | null {
  return isDict(value)
    ? {
        name: text(value.name),
        run: text(value.run),
        state: text(value.state),
        params: Object.fromEntries(
          Object.entries(isDict(value.params) ? value.params : {}).map(([name, param]) => [name, text(param)])
        )
      }
    : null;
}

function readStop(value: unknown): Stop | null {
  return isDict(value) ? { how: text(value.how), by: text(value.by), at: maybeText(value.at) } : null;
}

function readCached(value: unknown): Cached | null {
  return isDict(value)
    ? { run: text(value.run), workflow: text(value.workflow), at: maybeText(value.at) }
    : null;
}

function readProgress(value: unknown): readonly [number, number] | null {
  if (!Array.isArray(value) || value.length !== 2) {
    return null;
  }
  const [done, total] = [number(value[0]), number(value[1])];
  return total > 0 ? [Math.min(Math.max(done, 0), total), total] : null;
}

export function readNode(value: unknown): Node {
  const node = dict(value, 'a node');
  const id = text(node.id);
  if (!id) {
    throw new MalformedError('a node has no id');
  }
  return {
    id,
    name: text(node.name) || id,
    phase: readPhase(node.phase),
    kind: text(node.kind),
    line: text(node.line),
    message: text(node.message),
    hint: text(node.hint),
    argo: readArgo(node.argo),
    vertex: readVertex(node.vertex),
    times: readTimes(node.times),
    progress: readProgress(node.progress),
    machine: text(node.machine),
    cell: readCell(node.cell),
    inputs: list(node.inputs, readInput),
    outputs: list(node.outputs, readOutput),
    metrics: numbers(node.metrics),
    exit: readExit(node.exit),
    attempts: list(node.attempts, readAttempt),
    stop: readStop(node.stop),
    cached: readCached(node.cached),
    parts: strings(node.parts),
    stale: texts(node.stale),
    history: list(node.history, readExecution),
    attempt_uri: text(node.attempt_uri),
    experiment: readExperiment(node.experiment),
    actions: texts(node.actions)
  };
}

export function readEdge(value: unknown): Edge {
  const edge = dict(value, 'an edge');
  return { source: text(edge.source), target: text(edge.target), names: texts(edge.names) };
}

export function readRun(value: unknown): Run {
  const run = dict(value, 'a run');
  const id = text(run.id);
  if (!id) {
    throw new MalformedError('a run has no id');
  }
  return {
    id,
    name: text(run.name) || id,
    phase: readPhase(run.phase),
    revision: number(run.revision),
    notebook: text(run.notebook),
    user: text(run.user),
    profile: text(run.profile),
    namespace: text(run.namespace),
    created_at: maybeText(run.created_at),
    finished_at: maybeText(run.finished_at),
    note: text(run.note),
    nodes: list(run.nodes, readNode),
    edges: list(run.edges, readEdge),
    counts: numbers(run.counts),
    stale_s: number(run.stale_s),
    actions: texts(run.actions),
    source: text(run.source) || 'argo'
  };
}

export function readPrincipal(value: unknown): Principal {
  const principal = dict(value, 'the identity');
  return {
    user: text(principal.user),
    account: text(principal.account),
    google: text(principal.google),
    run_as: text(principal.run_as),
    through: text(principal.through),
    expires_at: maybeText(principal.expires_at),
    may_read: texts(principal.may_read),
    may_write: texts(principal.may_write),
    scope: texts(principal.scope),
    problem: text(principal.problem)
  };
}
