/**
 * Lineage as cards: executions and artifacts in one graph of two kinds.
 */
import type { Lineage, LineageNode, Phase } from '../api/schema';
import { readPhase } from '../api/guards';
import { shortDigest } from '../format';
import { PHASE_LOOKS } from '../model/phases';
import type { IGraphEdge, IGraphItem } from './item';

const FROM_SYSTEMS: Readonly<Record<string, Phase>> = {
  COMPLETE: 'Succeeded',
  RUNNING: 'Running',
  FAILED: 'Failed',
  CACHED: 'Cached',
  CANCELLED: 'Stopped'
};

function phaseOf(node: LineageNode): Phase | null {
  return node.kind === 'execution' ? (FROM_SYSTEMS[node.state] ?? readPhase(node.state)) : null;
}

function itemOf(node: LineageNode): IGraphItem {
  const phase = phaseOf(node);
  const missing = ['argo', 'vertex'].filter(system => !node.seen_in.includes(system));
  const where = missing.length > 0 ? `not in ${missing.includes('vertex') ? 'Vertex' : 'Argo'}` : '';
  const what = [node.schema_title.replace(/^system\./, ''), shortDigest(node.digest)]
    .filter(Boolean)
    .join(' · ');
  return {
    id: node.id,
    title: node.name,
    line: where || what || node.state,
    time: '',
    tone: where ? 'warn' : phase ? PHASE_LOOKS[phase].tone : 'quiet',
    phase,
    progress: null,
    badge: '',
    planned: false,
    bad: false,
    kind: node.kind,
    hint: [node.name, node.schema_title, node.state, node.uri, node.digest].filter(Boolean).join(' · ')
  };
}

export function lineageGraph(lineage: Lineage): {
  readonly items: readonly IGraphItem[];
  readonly edges: readonly IGraphEdge[];
} {
  const known = new Set(lineage.nodes.map(node => node.id));
  return {
    items: lineage.nodes.map(itemOf),
    edges: lineage.edges
      .filter(edge => known.has(edge.source) && known.has(edge.target))
      .map(edge => ({ source: edge.source, target: edge.target, label: edge.kind }))
  };
}
