/**
 * The state vocabulary: icon, word and colour of every phase, always all three.
 *
 * One table for cards, tree, strip and cell marks; the words are the phases themselves.
 */
import type { Node, Phase, Run } from '../api/schema';

/** Shapes that `components/glyph` draws. */
export type Glyph =
  'dashed' | 'clock' | 'quarter' | 'ring' | 'upload' | 'check' | 'bolt' | 'cross' | 'slash' | 'hand' | 'dash';

/** Colours of the theme that a state may have: CSS suffixes of `jp-argovx-tone-…`. */
export type Tone = 'planned' | 'quiet' | 'info' | 'brand' | 'success' | 'error' | 'warn' | 'faint';

export interface IPhaseLook {
  readonly glyph: Glyph;
  readonly tone: Tone;
  /** One character for text-only places, such as counts and titles. */
  readonly sign: string;
  /** Nothing more happens by itself. */
  readonly final: boolean;
  /** Something is being done for it right now. */
  readonly active: boolean;
}

export const PHASE_LOOKS: Readonly<Record<Phase, IPhaseLook>> = {
  Planned: { glyph: 'dashed', tone: 'planned', sign: '◌', final: false, active: false },
  Queued: { glyph: 'clock', tone: 'quiet', sign: '◷', final: false, active: true },
  Provisioning: { glyph: 'quarter', tone: 'info', sign: '◔', final: false, active: true },
  Running: { glyph: 'ring', tone: 'brand', sign: '◑', final: false, active: true },
  Uploading: { glyph: 'upload', tone: 'brand', sign: '↑', final: false, active: true },
  Succeeded: { glyph: 'check', tone: 'success', sign: '✓', final: true, active: false },
  Cached: { glyph: 'bolt', tone: 'success', sign: '↯', final: true, active: false },
  Failed: { glyph: 'cross', tone: 'error', sign: '✕', final: true, active: false },
  Stopped: { glyph: 'slash', tone: 'warn', sign: '⊘', final: true, active: false },
  'Waiting for you': { glyph: 'hand', tone: 'warn', sign: '✋', final: false, active: true },
  Skipped: { glyph: 'dash', tone: 'faint', sign: '–', final: true, active: false }
};

export function isFinal(phase: Phase): boolean {
  return PHASE_LOOKS[phase].final;
}

export function isActive(phase: Phase): boolean {
  return PHASE_LOOKS[phase].active;
}

/** Groups that the counts of the side bar stand for and filter by. */
export const GROUPS = [
  { id: 'active', phase: 'Running', label: 'under way' },
  { id: 'failed', phase: 'Failed', label: 'failed or stopped' },
  { id: 'done', phase: 'Succeeded', label: 'succeeded' }
] as const satisfies readonly { readonly id: string; readonly phase: Phase; readonly label: string }[];

export type Group = (typeof GROUPS)[number]['id'];

export function groupOf(phase: Phase): Group | null {
  const look = PHASE_LOOKS[phase];
  if (look.active) {
    return 'active';
  }
  if (phase === 'Failed' || phase === 'Stopped') {
    return 'failed';
  }
  return look.tone === 'success' ? 'done' : null;
}

/** One stretch of the bar under a run: a phase and its share. */
export interface ISegment {
  readonly phase: Phase;
  readonly count: number;
}

/** The order of a segment bar: done first, then what burns, then what is still to come. */
const BAR_ORDER: readonly Phase[] = [
  'Succeeded',
  'Cached',
  'Skipped',
  'Failed',
  'Stopped',
  'Waiting for you',
  'Uploading',
  'Running',
  'Provisioning',
  'Queued',
  'Planned'
];

/** How many steps there are of each phase: from the nodes when they are here, else the counts. */
export function segments(run: Run): readonly ISegment[] {
  const count = new Map<string, number>();
  if (run.nodes.length > 0) {
    run.nodes.forEach(node => count.set(node.phase, (count.get(node.phase) ?? 0) + 1));
  } else {
    Object.entries(run.counts).forEach(([phase, n]) => count.set(phase, n));
  }
  return BAR_ORDER.map(phase => ({ phase, count: count.get(phase) ?? 0 })).filter(item => item.count > 0);
}

/** Steps that are done, and all of them. */
export function tally(run: Run): { readonly done: number; readonly total: number } {
  const parts = segments(run);
  const sum = (items: readonly ISegment[]): number => items.reduce((n, item) => n + item.count, 0);
  return { done: sum(parts.filter(item => isFinal(item.phase))), total: sum(parts) };
}

/** Whether a run is a custom job of its own: Vertex alone knows it, and no Workflow. */
export function isVertexJob(run: Pick<Run, 'source'> | undefined): boolean {
  return run?.source === 'vertex';
}

/** What every view of such a run says. */
export const OUTSIDE = "Vertex job, started outside the notebook's steps";

/** The verbs of a node, in their fixed order everywhere. */
export const VERBS = ['open', 'cell', 'logs', 'retry', 'stop'] as const;
export type Verb = (typeof VERBS)[number];

/**
 * Whether the first thing to do is to run the cell as it stands now, and what follows: it did not end well, or
 * its result is stale.
 */
export function wantsRun(node: Pick<Node, 'phase' | 'cell' | 'stale'>): boolean {
  const ended = node.phase === 'Failed' || node.phase === 'Stopped';
  return node.cell !== null && (ended || node.stale.length > 0);
}

export function may(node: Pick<Node, 'actions'>, verb: Verb): boolean {
  return node.actions.includes(verb);
}
