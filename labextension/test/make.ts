/**
 * Documents for tests, with only what a test is about spelled out.
 */
import { readNode, readRun } from '../src/api/guards.ts';
import type { Node, Run } from '../src/api/schema.ts';
import type { IDelta } from '../src/tokens.ts';

export function node(id: string, more: Record<string, unknown> = {}): Node {
  return readNode({ id, phase: 'Running', ...more });
}

/** A run whose counts tell the truth about its nodes, unless `more` says otherwise. */
export function run(id: string, nodes: readonly Node[] = [], more: Record<string, unknown> = {}): Run {
  const counts: Record<string, number> = {};
  for (const item of nodes) {
    counts[item.phase] = (counts[item.phase] ?? 0) + 1;
  }
  return { ...readRun({ id, phase: 'Running', revision: 1, counts, ...more }), nodes };
}

export function delta(of: Run, more: Partial<IDelta> = {}): IDelta {
  return {
    epoch: 'e1',
    seq: 1,
    run: of.id,
    revision: of.revision,
    upsert: { ...of, nodes: [] },
    nodes: of.nodes,
    remove: [],
    ...more
  };
}
