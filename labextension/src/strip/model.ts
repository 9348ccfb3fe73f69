/**
 * What the strip under a cell shows: the live node when the server knows it, else the snapshot.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Node, Run } from '../api/schema';
import { LogsModel } from '../model/logs';
import { MetricsModel } from '../model/metrics';
import { isActive, isFinal } from '../model/phases';
import type { IArgovxClient, IRunsModel } from '../tokens';
import type { IBundle } from './bundle';

export class StripModel implements IDisposable {
  constructor(
    client: IArgovxClient,
    readonly runs: IRunsModel
  ) {
    this.logs = new LogsModel(client);
    this.metrics = new MetricsModel(client);
    this.logs.changed.connect(this._emit, this);
    this.metrics.changed.connect(this._emit, this);
    runs.changed.connect(this._sync, this);
  }

  readonly logs: LogsModel;
  readonly metrics: MetricsModel;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get bundle(): IBundle | null {
    return this._bundle;
  }

  set bundle(bundle: IBundle | null) {
    this._bundle = bundle;
    this._load();
    this._sync();
  }

  get run(): Run | undefined {
    const { _bundle: bundle } = this;
    return bundle ? (this.runs.get(bundle.run) ?? bundle.snapshot ?? undefined) : undefined;
  }

  get node(): Node | undefined {
    const { _bundle: bundle } = this;
    const by = (run: Run | null | undefined): Node | undefined =>
      run?.nodes.find(node => node.id === bundle?.node);
    return bundle ? (by(this.runs.get(bundle.run)) ?? by(bundle.snapshot)) : undefined;
  }

  /** Whether what is shown comes from the server now, not from the notebook's memory. */
  get live(): boolean {
    const { _bundle: bundle } = this;
    return bundle !== null && this.runs.get(bundle.run)?.nodes.some(node => node.id === bundle.node) === true;
  }

  /** Whether the strip is attached to the page. */
  set visible(visible: boolean) {
    this._visible = visible;
    this._sync();
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      this.runs.changed.disconnect(this._sync, this);
      this.logs.dispose();
      this.metrics.dispose();
      Signal.clearData(this);
    }
  }

  private _load(): void {
    const id = this._bundle?.run;
    if (id && !this.runs.loaded(id) && !this.runs.unknown(id)) {
      this.runs.load(id).catch(() => undefined); // the snapshot stands meanwhile
    }
  }

  private _sync(): void {
    const { node } = this;
    if (this._disposed) {
      return;
    }
    if (node && this._bundle) {
      const execution = node.argo?.workflow ?? '';
      const active = this._visible && this.live;
      const target = { run: this._bundle.run, node: node.id, execution };
      const hasMetrics = Object.keys(node.metrics).length > 0;
      this.logs.follow(target.run, target.node, execution, active && isActive(node.phase));
      this.metrics.follow(target, {
        active: active && hasMetrics,
        final: isFinal(node.phase)
      });
    }
    if (this._bundle && this.runs.get(this._bundle.run)) {
      this._load();
    }
    this._emit();
  }

  private _emit(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _bundle: IBundle | null = null;
  private _visible = false;
  private _disposed = false;
}
