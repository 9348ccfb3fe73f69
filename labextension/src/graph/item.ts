/**
 * What the graph draws: cards and edges, whatever they stand for.
 */
import type { Node } from '../api/schema';
import { elapsed, nodeSeconds } from '../format';
import { isFinal, PHASE_LOOKS } from '../model/phases';
import type { Phase } from '../api/schema';

export interface IGraphItem {
  readonly id: string;
  readonly title: string;
  readonly line: string;
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

/** The line of a card, with the time: it goes on while the step does. Unit of `now`: milliseconds. */
function timedLine(node: Node, now: number): string {
  const seconds = node.phase === 'Planned' ? null : nodeSeconds(node, now);
  const line = node.line || node.phase;
  if (seconds === null || node.phase === 'Failed' || node.phase === 'Skipped') {
    return line;
  }
  return isFinal(node.phase) ? `${elapsed(seconds)} · ${line}` : `${line} · ${elapsed(seconds)}`;
}

/** The card of a step. */
export function stepItem(node: Node, now: number): IGraphItem {
  const attempts = node.argo?.attempts ?? 1;
  const tries = attempts + node.history.length;
  return {
    id: node.id,
    title: node.name,
    line: timedLine(node, now),
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
    a.tone === b.tone &&
    a.phase === b.phase &&
    a.progress?.[0] === b.progress?.[0] &&
    a.progress?.[1] === b.progress?.[1] &&
    a.badge === b.badge &&
    a.kind === b.kind &&
    a.hint === b.hint
  );
}
