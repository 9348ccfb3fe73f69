/**
 * View state of the side bar: what is typed, filtered and unfolded. No requests.
 */
import { Signal, type ISignal } from '@lumino/signaling';

import type { Run } from '../../api/schema';
import { GROUPS, groupOf, isActive, isVertexJob, OUTSIDE, type Group } from '../../model/phases';

/** How many runs of each group there are. */
export type Counts = Readonly<Record<Group, number>>;

export function countGroups(runs: readonly Run[]): Counts {
  const counts: Record<Group, number> = { active: 0, failed: 0, done: 0 };
  for (const run of runs) {
    const group = groupOf(run.phase);
    if (group) {
      counts[group]++;
    }
  }
  return counts;
}

/** The list's order: the run of the notebook in front, then what is under way, then the newest. */
export function inOrder(runs: readonly Run[], front: string): readonly Run[] {
  const rank = (run: Run): number => (run.id === front ? 0 : isActive(run.phase) ? 1 : 2);
  return [...runs].sort((a, b) => rank(a) - rank(b));
}

/** Whether a run is what was typed: its name, notebook or a step. */
export function matches(run: Run, query: string): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const kind = isVertexJob(run) ? OUTSIDE : '';
  const text = [run.name, run.id, run.notebook, run.phase, kind, ...run.nodes.map(node => node.name)]
    .join('\n')
    .toLowerCase();
  return words.every(word => text.includes(word));
}

export class SidebarModel {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get query(): string {
    return this._query;
  }

  set query(text: string) {
    this._query = text;
    this._changed.emit();
  }

  get group(): Group | null {
    return this._group;
  }

  /** A count was pressed: show that group only, or all again. */
  toggleGroup(group: Group): void {
    this._group = this._group === group ? null : group;
    this._changed.emit();
  }

  /** Nothing typed, nothing pressed: all runs again. */
  clear(): void {
    this._query = '';
    this._group = null;
    this._changed.emit();
  }

  visible(runs: readonly Run[]): readonly Run[] {
    const order = this._hold(runs);
    return order.filter(
      run => (this._group === null || groupOf(run.phase) === this._group) && matches(run, this._query)
    );
  }

  /** The pointer is over the list: rows keep their order until it leaves. */
  hold(held: boolean): void {
    if (held === (this._held !== null)) {
      return;
    }
    this._held = held ? this._last : null;
    this._changed.emit();
  }

  /** A run is unfolded by hand, or by itself: the newest, and what is under way. */
  unfolded(run: Run, first: boolean): boolean {
    return this._unfolded.get(run.id) ?? (first || isActive(run.phase));
  }

  unfold(id: string, open: boolean): void {
    this._unfolded.set(id, open);
    this._changed.emit();
  }

  dispose(): void {
    Signal.clearData(this);
  }

  private _hold(runs: readonly Run[]): readonly Run[] {
    if (this._held === null) {
      this._last = runs.map(run => run.id);
      return runs;
    }
    const place = new Map(this._held.map((id, i) => [id, i]));
    const at = (run: Run): number => place.get(run.id) ?? place.size;
    return [...runs].sort((a, b) => at(a) - at(b));
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _unfolded = new Map<string, boolean>();
  private _query = '';
  private _group: Group | null = null;
  private _last: readonly string[] = [];
  private _held: readonly string[] | null = null;
}

export { GROUPS };
