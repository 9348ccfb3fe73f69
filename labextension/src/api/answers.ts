/**
 * Narrowing of whole answers: lists, pages, plans, lineage, errors and frames of the stream.
 */
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
import { readEdge, readNode, readPrincipal, readRun } from './guards';
import type { Finding, Lineage, LineageEdge, LineageNode } from './schema';
import { cursor, dict, isDict, list, number, text, texts } from './values';

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
    next: cursor(page.next),
    whole: page.whole !== false
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
    }),
    stale: Object.fromEntries(
      Object.entries(isDict(plan.stale) ? plan.stale : {}).map(([step, why]) => [step, texts(why)])
    )
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
      return {
        source: text(edge.source),
        target: text(edge.target),
        kind: text(edge.kind),
        name: text(edge.name)
      };
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
