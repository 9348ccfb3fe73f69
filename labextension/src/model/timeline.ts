/**
 * A run over time: stretches by phase, attempts, earlier executions. Pure.
 *
 * Owns the axis. Time in which nothing happened at all is folded, so that a step that was run again the
 * next day does not press the others flat; a fold says how long it is.
 */
import type { Node, Phase, Run } from '../api/schema';
import { startOf } from '../format';
import type { Tone } from './phases';
import { PHASE_LOOKS } from './phases';

export interface IStretch {
  /** What it was: a phase of the newest execution, `attempt 1`, `earlier execution`. */
  readonly name: string;
  readonly tone: Tone;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** Not the present execution, or an attempt that is over. */
  readonly past: boolean;
  readonly message: string;
}

export interface ITimelineRow {
  readonly node: Node;
  readonly stretches: readonly IStretch[];
}

/** A span of the axis: of time, or of a fold. `at` and `width` are shares of the whole, 0 to 1. */
export interface ISpan {
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly width: number;
  readonly folded: boolean;
}

export interface ITimeline {
  readonly rows: readonly ITimelineRow[];
  readonly spans: readonly ISpan[];
  /** When the first thing happened, in milliseconds since the epoch. */
  readonly begin: number;
}

const PARTS = [
  ['queued', 'queued_at', 'quiet'],
  ['provisioning', 'provisioning_at', 'info'],
  ['running', 'running_at', 'brand'],
  ['uploading', 'uploading_at', 'success']
] as const;

/** A silence is folded from this length on: in milliseconds, and as a share of what is busy. */
const FOLD = { least: 30_000, share: 0.25, width: 0.09 } as const;

function moment(at: string | null): number | null {
  const found = at ? Date.parse(at) : NaN;
  return Number.isFinite(found) ? found : null;
}

/** The parts of the newest execution; what came before its last attempt is that attempt's own. */
function parts(node: Node, now: number): readonly IStretch[] {
  const attempt = node.attempts.length > 1 ? node.attempts.at(-1) : undefined;
  const since = moment(attempt?.started_at ?? null) ?? -Infinity;
  // Argo counts whole seconds: its end may lie before what runner and Vertex say of the last one
  const end = moment(node.times.finished_at) ?? now;
  const begun = PARTS.flatMap(([name, key, tone]) => {
    const at = moment(node.times[key]);
    return at === null ? [] : [{ name, tone, at: Math.min(Math.max(at, since), end) }];
  });
  return begun.flatMap((part, i) => {
    const to = Math.max(part.at, begun[i + 1]?.at ?? end);
    return [{ name: part.name, tone: part.tone, from: part.at, to, past: false, message: '' }];
  });
}

function past(
  name: string,
  phase: Phase,
  from: string | null,
  to: string | null,
  message: string
): IStretch[] {
  const [a, b] = [moment(from), moment(to)];
  return a === null || b === null
    ? []
    : [{ name, tone: PHASE_LOOKS[phase].tone, from: a, to: Math.max(a, b), past: true, message }];
}

function rowOf(node: Node, now: number): ITimelineRow {
  if (startOf(node) === null) {
    return { node, stretches: [] };
  }
  const earlier = node.history.flatMap(item =>
    past('earlier execution', item.phase, item.created_at, item.finished_at, item.message)
  );
  const attempts = node.attempts
    .slice(0, -1)
    .flatMap(item =>
      past(`attempt ${item.number}`, item.phase, item.started_at, item.finished_at, item.message)
    );
  return { node, stretches: [...earlier, ...attempts, ...parts(node, now)] };
}

/** Times in which something happened, merged, in order. */
function busy(rows: readonly ITimelineRow[]): readonly (readonly [number, number])[] {
  const all = rows.flatMap(row => row.stretches.map(item => [item.from, item.to] as const));
  all.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [from, to] of all) {
    const last = merged.at(-1);
    if (last && from <= last[1]) {
      last[1] = Math.max(last[1], to);
    } else {
      merged.push([from, to]);
    }
  }
  return merged;
}

/** The axis: every moment from the first to the last, long silences folded to one width. */
function axis(times: readonly (readonly [number, number])[]): readonly ISpan[] {
  const work = times.reduce((sum, [from, to]) => sum + to - from, 0);
  const limit = Math.max(FOLD.least, work * FOLD.share);
  const pieces: { from: number; to: number; folded: boolean }[] = [];
  times.forEach(([from, to], i) => {
    const before = times[i - 1]?.[1] ?? from;
    const last = pieces.at(-1);
    if (from - before > limit) {
      pieces.push({ from: before, to: from, folded: true }, { from, to, folded: false });
    } else if (last) {
      last.to = to;
    } else {
      pieces.push({ from, to, folded: false });
    }
  });
  const folds = pieces.filter(piece => piece.folded).length;
  const open = 1 - Math.min(folds * FOLD.width, 0.5);
  const foldWidth = folds > 0 ? (1 - open) / folds : 0;
  const shown = pieces.reduce((sum, piece) => sum + (piece.folded ? 0 : piece.to - piece.from), 0);
  let at = 0;
  return pieces.map(piece => {
    const share = shown > 0 ? (piece.to - piece.from) / shown : 1;
    const width = piece.folded ? foldWidth : share * open;
    const span = { ...piece, at, width };
    at += width;
    return span;
  });
}

/** The timeline of a run. Unit of `now`: milliseconds. */
export function timelineOf(run: Run, now: number): ITimeline {
  const rows = run.nodes.map(node => rowOf(node, now));
  const spans = axis(busy(rows));
  return { rows, spans, begin: spans[0]?.from ?? now };
}

/** Where a moment lies on the axis, 0 to 1. */
export function place(spans: readonly ISpan[], moment: number): number {
  const span = spans.find(item => moment <= item.to) ?? spans.at(-1);
  if (!span) {
    return 0;
  }
  const length = span.to - span.from;
  const share = length > 0 ? Math.min(Math.max((moment - span.from) / length, 0), 1) : 0;
  return span.at + share * span.width;
}

/** Steps between marks that people read easily, in seconds. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

/** Room that the words of a mark need, as a share of the axis. */
const MARK_WIDTH = 0.08;

/**
 * Marks of the axis, about `most` of them: milliseconds since the epoch, on round distances from the begin.
 *
 * One whose words would touch the mark after it, or a fold, is left out.
 */
export function marks({ spans, begin }: ITimeline, most = 6): readonly number[] {
  const open = spans.filter(span => !span.folded);
  const seconds = open.reduce((sum, span) => sum + (span.to - span.from) / 1000, 0);
  const step = STEPS.find(item => seconds / item <= most) ?? Math.ceil(seconds / most / 86_400) * 86_400;
  return open.flatMap(span => {
    const found: number[] = [];
    const first = Math.ceil((span.from - begin) / 1000 / step) * step * 1000 + begin;
    const end = span.at + span.width;
    for (let at = first; at <= span.to; at += step * 1000) {
      const isLast = span === open.at(-1);
      if (isLast || place(spans, at) + MARK_WIDTH <= end) {
        found.push(at);
      }
    }
    return found;
  });
}
