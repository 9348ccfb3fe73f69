/**
 * How changes and snapshots become the list of runs: functions from data to data.
 */
import type { Edge, Node, Run } from '../api/schema';
import type { IDelta, IPlan } from '../tokens';

/** A run as the browser holds it. */
export interface IEntry {
  readonly run: Run;
  /** Whether `run.nodes` is the whole truth or only what passed by. */
  readonly loaded: boolean;
}

export type Entries = ReadonlyMap<string, IEntry>;

/** Nodes with `changes` put in by id; order is kept, new ones come last. */
export function mergeNodes(
  nodes: readonly Node[],
  changes: readonly Node[],
  remove: readonly string[] = []
): readonly Node[] {
  if (changes.length === 0 && remove.length === 0) {
    return nodes;
  }
  const byId = new Map(changes.map(node => [node.id, node]));
  const kept = nodes
    .filter(node => byId.has(node.id) || !remove.includes(node.id))
    .map(node => byId.get(node.id) ?? node);
  const known = new Set(nodes.map(node => node.id));
  return [...kept, ...changes.filter(node => !known.has(node.id))];
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/**
 * Apply one change.
 *
 * The head of the run comes with every change, the nodes only as they changed; the counts of the head
 * tell whether all of them are here. An older revision than the known one changes nothing; a change
 * without a head and without nodes says that the run is gone.
 */
export function applyDelta(entries: Entries, delta: IDelta): Entries {
  const known = entries.get(delta.run);
  if (delta.upsert === null && delta.nodes.length === 0 && delta.remove.length === 0) {
    const next = new Map(entries);
    next.delete(delta.run);
    return next;
  }
  const head = delta.upsert ?? known?.run;
  if (!head || (known && delta.revision < known.run.revision)) {
    return entries;
  }
  const base = delta.upsert && delta.upsert.nodes.length > 0 ? delta.upsert.nodes : known?.run.nodes;
  const nodes = mergeNodes(base ?? [], delta.nodes, delta.remove);
  const run: Run = { ...head, revision: delta.revision, nodes };
  const whole = nodes.length === sum(run.counts);
  return new Map(entries).set(delta.run, { run, loaded: whole || (known?.loaded ?? false) });
}

/** Apply the answer to `GET runs`: what is not listed is gone; nodes that are here stay. */
export function applyList(entries: Entries, runs: readonly Run[]): Entries {
  const next = new Map<string, IEntry>();
  for (const run of runs) {
    const known = entries.get(run.id);
    if (known && known.run.revision >= run.revision) {
      next.set(run.id, known);
    } else if (known?.loaded) {
      next.set(run.id, {
        run: { ...run, nodes: known.run.nodes },
        // The head moved on without its nodes: they must be fetched again.
        loaded: false
      });
    } else {
      next.set(run.id, { run, loaded: run.nodes.length > 0 });
    }
  }
  return next;
}

/** Apply the answer to `GET runs/{id}`. */
export function applySnapshot(entries: Entries, run: Run): Entries {
  const known = entries.get(run.id);
  if (known?.loaded && known.run.revision > run.revision) {
    return entries;
  }
  return new Map(entries).set(run.id, { run, loaded: true });
}

/** Another server process counts revisions anew: everything stays on screen until it is heard again. */
export function forgetRevisions(entries: Entries): Entries {
  return new Map([...entries].map(([id, { run }]) => [id, { run: { ...run, revision: -1 }, loaded: false }]));
}

/** Newest first; runs without a time are the newest. Stable for equal times. */
export function newestFirst(entries: Entries): readonly Run[] {
  const at = (run: Run): string => run.created_at ?? '9';
  return [...entries.values()]
    .map(entry => entry.run)
    .sort((a, b) => (at(a) < at(b) ? 1 : at(a) > at(b) ? -1 : a.id < b.id ? -1 : 1));
}

/** Whether two notebook paths mean the same file: one may be absolute, the other relative. */
export function sameNotebook(a: string, b: string): boolean {
  if (a === '' || b === '') {
    return false;
  }
  return a === b || a.endsWith(`/${b}`) || b.endsWith(`/${a}`);
}

/** The run that a notebook works on: its newest. */
export function runOfNotebook(runs: readonly Run[], path: string): Run | undefined {
  return runs.find(run => run.notebook === path) ?? runs.find(run => sameNotebook(run.notebook, path));
}

/** Id of the view of a notebook that has no run yet. */
export function plannedId(path: string): string {
  return `plan:${path}`;
}

function mergeEdges(edges: readonly Edge[], more: readonly Edge[]): readonly Edge[] {
  const key = (edge: Edge): string => `${edge.source}\n${edge.target}`;
  const known = new Set(edges.map(key));
  return [...edges, ...more.filter(edge => !known.has(key(edge)))];
}

/**
 * The graph that is shown: what runs, and dim beside it what the notebook would still run.
 *
 * A planned node gives way to a real one of the same id. Cells keep their order in the notebook, so
 * that the graph does not jump when a step begins.
 */
export function withPlan(run: Run | undefined, plan: IPlan | undefined, path: string): Run | undefined {
  if (!plan || plan.nodes.length === 0) {
    return run;
  }
  if (!run) {
    const file = path.split('/').pop() ?? path;
    return {
      id: plannedId(path),
      name: file.replace(/\.ipynb$/, ''),
      phase: 'Planned',
      revision: 0,
      notebook: path,
      user: '',
      profile: '',
      namespace: '',
      created_at: null,
      finished_at: null,
      note: '',
      nodes: plan.nodes,
      edges: plan.edges,
      counts: { Planned: plan.nodes.length },
      stale_s: 0,
      actions: [],
      source: 'argo'
    };
  }
  const real = new Map(run.nodes.map(node => [node.id, node]));
  const inPlan = new Set(plan.nodes.map(node => node.id));
  const nodes = [
    ...plan.nodes.map(node => {
      const known = real.get(node.id);
      const stale = plan.stale[node.id] ?? [];
      return known ? { ...known, cell: known.cell ?? node.cell, stale } : node;
    }),
    ...run.nodes.filter(node => !inPlan.has(node.id))
  ];
  const shown = new Set(nodes.map(node => node.id));
  const edges = mergeEdges(run.edges, plan.edges).filter(
    edge => shown.has(edge.source) && shown.has(edge.target)
  );
  return { ...run, nodes, edges };
}

export function isPlannedId(id: string): boolean {
  return id.startsWith('plan:');
}

/** The notebook of a planned view. */
export function pathOfPlan(id: string): string {
  return id.slice('plan:'.length);
}
