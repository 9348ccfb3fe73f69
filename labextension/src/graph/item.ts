/**
 * What the graph draws: cards and edges, whatever they stand for.
 */
import type { Node } from '../api/schema';
import { elapsed, lineOf, nodeSeconds } from '../format';
import { isFinal, PHASE_LOOKS } from '../model/phases';
import type { Phase } from '../api/schema';

export interface IGraphItem {
  readonly id: string;
  readonly title: string;
  readonly line: string;
  /** Elapsed time; empty when it has none. */
  readonly time: string;
  readonly tone: string;
  /** The phase whose icon is drawn; artifacts have none. */
  readonly phase: Phase | null;
  readonly progress: readonly [number, number] | null;
  /** Text at the right edge, such as `×2`. */
  readonly badge: string;
  /** Drawn dashed and dim: not there yet. */
  readonly planned: boolean;
  /** The line says what went wrong. */
  readonly bad: boolean;
  /** `step`, `artifact` or `execution`: the shape of the card. */
  readonly kind: string;
  /** Whole text on hover. */
  readonly hint: string;
}

export interface IGraphEdge {
  readonly source: string;
  readonly target: string;
  /** Values that travel, on hover. */
  readonly label: string;
}

/** Elapsed time at the corner of a card: it goes on while the step does. Unit of `now`: milliseconds. */
function timeOf(node: Node, now: number): string {
  const seconds = node.phase === 'Planned' || node.phase === 'Skipped' ? null : nodeSeconds(node, now);
  return seconds === null ? '' : elapsed(seconds);
}

/** The card of a step. */
export function stepItem(node: Node, now: number): IGraphItem {
  const attempts = node.argo?.attempts ?? 1;
  const tries = attempts + node.history.length;
  return {
    id: node.id,
    title: node.name,
    line: lineOf(node, now) || node.phase,
    time: timeOf(node, now),
    tone: PHASE_LOOKS[node.phase].tone,
    phase: node.phase,
    progress: isFinal(node.phase) ? null : node.progress,
    badge: tries > 1 ? `×${tries}` : '',
    planned: node.phase === 'Planned',
    bad: node.phase === 'Failed',
    kind: 'step',
    hint: [node.name, node.phase, node.line, node.machine].filter(Boolean).join(' · ')
  };
}

/** Whether two cards look the same. */
export function sameItem(a: IGraphItem, b: IGraphItem): boolean {
  return (
    a.title === b.title &&
    a.line === b.line &&
    a.time === b.time &&
    a.tone === b.tone &&
    a.phase === b.phase &&
    a.progress?.[0] === b.progress?.[0] &&
    a.progress?.[1] === b.progress?.[1] &&
    a.badge === b.badge &&
    a.kind === b.kind &&
    a.hint === b.hint
  );
}
