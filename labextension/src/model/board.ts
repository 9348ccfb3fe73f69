/**
 * Runs as they are shown: live runs with the plan of their notebook merged in, and the selection.
 *
 * Owns the join of `RunsModel` and `PlanModel`, and what is selected. One selection for side bar,
 * graph, inspector and lineage.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Node, Run } from '../api/schema';
import type { IRunsModel } from '../tokens';
import type { PlanModel } from './plan';
import { isPlannedId, pathOfPlan, plannedId, runOfNotebook, withPlan } from './reduce';

/** What is selected: a run, and perhaps a node of it. */
export interface ISelection {
  readonly run: string;
  readonly node: string;
}

const NOTHING: ISelection = { run: '', node: '' };

export class Board implements IDisposable {
  constructor(
    readonly runs: IRunsModel,
    readonly plan: PlanModel
  ) {
    runs.changed.connect(this._onChanged, this);
    plan.changed.connect(this._onChanged, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get selectionChanged(): ISignal<this, ISelection> {
    return this._selectionChanged;
  }

  get selection(): ISelection {
    return this._selection;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Runs newest first, the planned ones of notebooks without a run at the head. */
  get list(): readonly Run[] {
    this._list ??= this._build();
    return this._list;
  }

  get(id: string): Run | undefined {
    return this.list.find(run => run.id === id);
  }

  node(run: string, id: string): Node | undefined {
    return this.get(run)?.nodes.find(node => node.id === id);
  }

  /** The run (or plan) of a notebook. */
  ofNotebook(path: string): Run | undefined {
    const run = runOfNotebook(this.runs.runs, path);
    return this.get(run?.id ?? plannedId(path));
  }

  /** The run (or plan) of the notebook in front. */
  get front(): Run | undefined {
    return this.plan.path ? this.ofNotebook(this.plan.path) : undefined;
  }

  /** What is wrong with the notebook of a run, as its plan found. */
  problems(run: Run): readonly { cell: string; message: string; hint: string }[] {
    for (const [path, plan] of this.plan.plans) {
      if (this.ofNotebook(path)?.id === run.id) {
        return plan.problems;
      }
    }
    return [];
  }

  select(run: string, node = ''): void {
    if (run !== this._selection.run || node !== this._selection.node) {
      this._selection = run ? { run, node } : NOTHING;
      this._selectionChanged.emit(this._selection);
    }
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      Signal.clearData(this);
    }
  }

  private _build(): readonly Run[] {
    const plans = new Map<string, string>();
    const planned: Run[] = [];
    for (const [path, plan] of this.plan.plans) {
      const run = runOfNotebook(this.runs.runs, path);
      if (run) {
        plans.set(run.id, path);
      } else if (path === this.plan.path) {
        const view = withPlan(undefined, plan, path);
        if (view) {
          planned.push(view);
        }
      }
    }
    const live = this.runs.runs.map(run => {
      const path = plans.get(run.id);
      const ready = path !== undefined && this.runs.loaded(run.id);
      return ready ? (withPlan(run, this.plan.of(path), path) ?? run) : run;
    });
    return [...planned, ...live];
  }

  private _onChanged(): void {
    this._list = null;
    // What was selected as planned stays selected when its run begins.
    const { run: id, node } = this._selection;
    const run = isPlannedId(id) && !this.get(id) ? this.ofNotebook(pathOfPlan(id)) : undefined;
    if (run) {
      this.select(run.id, node);
    }
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _selectionChanged = new Signal<this, ISelection>(this);
  private _selection: ISelection = NOTHING;
  private _list: readonly Run[] | null = null;
  private _disposed = false;
}
