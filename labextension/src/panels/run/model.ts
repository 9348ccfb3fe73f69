/**
 * What one run view shows: its run, the selected step, the tab, and what is followed for them.
 *
 * Follows logs, metrics, events and lineage only while their tab is on screen.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Node, Run, StepDocument, StepEvents } from '../../api/schema';
import type { Board } from '../../model/board';
import { DetailModel } from '../../model/detail';
import { LineageModel } from '../../model/lineage';
import { LogsModel } from '../../model/logs';
import { MetricsModel } from '../../model/metrics';
import { isFinal } from '../../model/phases';
import { isPlannedId, pathOfPlan } from '../../model/reduce';
import type { IArgovxClient } from '../../tokens';

export const TABS = ['overview', 'logs', 'metrics', 'data', 'events', 'spec', 'lineage'] as const;
export type Tab = (typeof TABS)[number];

/** What the left two thirds show. */
export const VIEWS = ['graph', 'timeline'] as const;
export type View = (typeof VIEWS)[number];

/** The tabs that have something to show. */
export function tabsOf(run: Run | undefined, node: Node | undefined): readonly Tab[] {
  if (!node) {
    return run && !isPlannedId(run.id) && run.nodes.some(item => item.phase !== 'Planned')
      ? ['overview', 'lineage']
      : ['overview'];
  }
  const planned = node.phase === 'Planned';
  const has: Readonly<Record<Tab, boolean>> = {
    overview: true,
    logs: !planned,
    metrics: Object.keys(node.metrics).length > 0,
    data: node.inputs.length + node.outputs.length > 0,
    events: !planned,
    spec: !planned,
    lineage: !planned
  };
  return TABS.filter(tab => has[tab]);
}

export class RunViewModel implements IDisposable {
  constructor(
    readonly board: Board,
    client: IArgovxClient,
    readonly id: string
  ) {
    this.logs = new LogsModel(client);
    this.metrics = new MetricsModel(client);
    this.lineage = new LineageModel(client);
    this.events = new DetailModel((run, node) => client.events(run, node));
    this.spec = new DetailModel((run, node) => client.spec(run, node));
    board.changed.connect(this._sync, this);
    board.selectionChanged.connect(this._sync, this);
    this._load();
  }

  readonly logs: LogsModel;
  readonly metrics: MetricsModel;
  readonly lineage: LineageModel;
  readonly events: DetailModel<StepEvents>;
  readonly spec: DetailModel<StepDocument>;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * The run; a planned view becomes the run once that exists, so that an open graph goes on.
   */
  get run(): Run | undefined {
    const run = this.board.get(this.id);
    if (run || !isPlannedId(this.id)) {
      return run;
    }
    return this.board.ofNotebook(pathOfPlan(this.id));
  }

  /** The selected step, when the selection is of this run. */
  get node(): Node | undefined {
    const { run, node } = this.board.selection;
    return node && run === this.run?.id ? this.board.node(run, node) : undefined;
  }

  get tabs(): readonly Tab[] {
    return tabsOf(this.run, this.node);
  }

  /** The tab on screen: the chosen one, or the overview where that has nothing to show. */
  get tab(): Tab {
    return this.tabs.includes(this._tab) ? this._tab : 'overview';
  }

  set tab(tab: Tab) {
    this._tab = tab;
    this._sync();
  }

  get view(): View {
    return this._view;
  }

  set view(view: View) {
    if (view !== this._view) {
      this._view = view;
      this._changed.emit();
    }
  }

  /** Whether the view is on screen. */
  set visible(visible: boolean) {
    this._visible = visible;
    if (visible) {
      this._load();
    }
    this._sync();
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  select(node: string): void {
    const run = this.run;
    if (run) {
      this.board.select(run.id, node);
    }
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      [this.logs, this.metrics, this.lineage, this.events, this.spec].forEach(model => model.dispose());
      Signal.clearData(this);
    }
  }

  private _load(): void {
    const id = this.run?.id ?? this.id;
    if (!isPlannedId(id)) {
      this.board.runs.load(id).catch(() => undefined); // the connection says what is wrong
    }
  }

  private _sync(): void {
    if (this._disposed) {
      return;
    }
    const { run, node } = this;
    if (this._visible && run && !isPlannedId(run.id) && !this.board.runs.loaded(run.id)) {
      this._load();
    }
    const on = (tab: Tab): boolean => this._visible && this.tab === tab;
    const execution = node?.argo?.workflow ?? '';
    const target = { run: run?.id ?? '', node: node?.id ?? '', execution };
    this.logs.follow(target.run, target.node, execution, on('logs'));
    const final = node ? isFinal(node.phase) : false;
    this.metrics.follow(target, { active: on('metrics'), final });
    this.lineage.follow(target.run, target.node, on('lineage'));
    this.events.follow(target, { active: on('events'), final });
    this.spec.follow(target, { active: on('spec'), final: true });
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _tab: Tab = 'overview';
  private _view: View = 'graph';
  private _visible = false;
  private _disposed = false;
}
