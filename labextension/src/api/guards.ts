/**
 * Narrowing at the edge: `unknown` from the wire to the generated types.
 *
 * The server validates its own documents, so these check what the views would stumble over and fill
 * what an older or newer server leaves out. What is not even an object is refused with its name.
 */
import type {
  ArgoSide,
  Cell,
  Edge,
  Execution,
  Exit,
  Finding,
  Input,
  Lineage,
  LineageEdge,
  LineageNode,
  Node,
  Output,
  Phase,
  Principal,
  Run,
  Times,
  VertexSide
} from './schema';
import { PHASES } from './schema';
import type {
  IApiError,
  IDelta,
  ILogPage,
  IMetricPage,
  IPlan,
  IRemote,
  IRunList,
  MetricPoint
} from '../tokens';

type Dict = Readonly<Record<string, unknown>>;

/** A document from the server that cannot be read. */
export class MalformedError extends Error {
  constructor(what: string) {
    super(`The server's answer is not what this version reads: ${what}.`);
    this.name = 'MalformedError';
  }
}

export function isDict(value: unknown): value is Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function dict(value: unknown, what: string): Dict {
  if (!isDict(value)) {
    throw new MalformedError(`${what} is no object`);
  }
  return value;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function maybeText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function list<T>(value: unknown, read: (item: unknown) => T): readonly T[] {
  return Array.isArray(value) ? value.map(read) : [];
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

function numbers(value: unknown): Readonly<Record<string, number>> {
  const entries = isDict(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number')
  );
}

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
        console_url: text(value.console_url)
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
    message: text(execution.message)
  };
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
    history: list(node.history, readExecution),
    attempt_uri: text(node.attempt_uri),
    actions: texts(node.actions)
  };
}

function readEdge(value: unknown): Edge {
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
    actions: texts(run.actions)
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
    may_write: texts(principal.may_write)
  };
}

/** What the server says of its own link to Argo; silence reads as well. */
function readRemote(value: unknown): IRemote {
  const remote = isDict(value) ? value : {};
  return {
    live: remote.live !== false,
    staleS: number(remote.stale_s),
    message: text(remote.message),
    hint: text(remote.hint)
  };
}

export function readRunList(value: unknown): IRunList {
  const answer = dict(value, 'the list of runs');
  return {
    runs: list(answer.runs, readRun),
    profile: isDict(answer.profile) ? text(answer.profile.name) : text(answer.profile),
    principal: isDict(answer.principal) ? readPrincipal(answer.principal) : null,
    remote: readRemote(answer.connection)
  };
}

/** A cursor travels back as it came: number or text. */
function cursor(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : '';
}

export function readLogPage(value: unknown): ILogPage {
  const page = dict(value, 'a page of logs');
  return {
    text: text(page.text),
    next: cursor(page.next),
    complete: page.complete === true,
    truncated: page.truncated === true
  };
}

function readPoint(value: unknown): MetricPoint {
  const point: readonly unknown[] = Array.isArray(value) ? value : [];
  return [typeof point[0] === 'number' ? point[0] : null, number(point[1]), text(point[2])];
}

export function readMetricPage(value: unknown): IMetricPage {
  const page = dict(value, 'a page of metrics');
  const series = isDict(page.series) ? Object.entries(page.series) : [];
  return {
    series: Object.fromEntries(series.map(([name, points]) => [name, list(points, readPoint)])),
    next: cursor(page.next)
  };
}

export function readPlan(value: unknown): IPlan {
  const plan = dict(value, 'a plan');
  return {
    nodes: list(plan.nodes, readNode),
    edges: list(plan.edges, readEdge),
    problems: list(plan.problems, item => {
      const problem = dict(item, 'a problem');
      return { cell: cursor(problem.cell), message: text(problem.message), hint: text(problem.hint) };
    })
  };
}

function readLineageNode(value: unknown): LineageNode {
  const node = dict(value, 'a lineage node');
  return {
    id: text(node.id),
    kind: text(node.kind),
    name: text(node.name) || text(node.id),
    seen_in: texts(node.seen_in),
    digest: text(node.digest),
    uri: text(node.uri),
    step: text(node.step),
    workflow: text(node.workflow),
    state: text(node.state),
    schema_title: text(node.schema_title)
  };
}

export function readLineage(value: unknown): Lineage {
  const lineage = dict(value, 'the lineage');
  return {
    nodes: list(lineage.nodes, readLineageNode),
    edges: list(lineage.edges, (item): LineageEdge => {
      const edge = dict(item, 'a lineage edge');
      return { source: text(edge.source), target: text(edge.target), kind: text(edge.kind) };
    }),
    findings: list(lineage.findings, (item): Finding => {
      const found = dict(item, 'a finding');
      return {
        code: text(found.code),
        message: text(found.message),
        hint: text(found.hint),
        node: text(found.node)
      };
    })
  };
}

/** A place in the stream. */
export interface IPlace {
  readonly epoch: string;
  readonly seq: number;
}

/** What one frame of the stream carries: changes, where they end, or why there are none. */
export interface IFrame {
  readonly deltas: readonly IDelta[];
  /** Where the sender stands, when it says so (heartbeats and polls do). */
  readonly place: IPlace | null;
  readonly error: IApiError | null;
}

function readPlace(value: unknown): IPlace | null {
  if (typeof value === 'string') {
    const dot = value.lastIndexOf('.');
    const seq = Number(value.slice(dot + 1));
    return dot > 0 && Number.isInteger(seq) ? { epoch: value.slice(0, dot), seq } : null;
  }
  return isDict(value) && typeof value.seq === 'number'
    ? { epoch: cursor(value.epoch), seq: value.seq }
    : null;
}

function readDelta(value: unknown): IDelta {
  const delta = dict(value, 'a change');
  return {
    epoch: cursor(delta.epoch),
    seq: number(delta.seq),
    run: text(delta.run),
    revision: number(delta.revision),
    upsert: isDict(delta.upsert) ? readRun(delta.upsert) : null,
    nodes: list(delta.nodes, readNode),
    remove: texts(delta.remove)
  };
}

/** Read one frame: changes and heartbeats in an array or alone, a poll's `{messages}`, or an error. */
export function readFrame(value: unknown): IFrame {
  if (isDict(value) && Array.isArray(value.messages)) {
    return { ...readFrame(value.messages), place: readPlace(value.since) };
  }
  if (isDict(value) && typeof value.error === 'string') {
    return { deltas: [], place: null, error: readError(value, 503) };
  }
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  const beats = items.filter(item => isDict(item) && 'heartbeat' in item);
  const changes = items.filter(item => !beats.includes(item));
  return { deltas: changes.map(readDelta), place: readPlace(beats.at(-1)), error: null };
}

export function readError(value: unknown, status: number): IApiError {
  const body = isDict(value) ? value : {};
  return {
    error: text(body.error) || (status === 0 ? 'unreachable' : `http_${status}`),
    message: text(body.message) || (status === 0 ? 'the Jupyter server does not answer' : `HTTP ${status}`),
    hint: text(body.hint),
    docs: text(body.docs),
    status
  };
}
