/**
 * What a lineage view shows: the lineage of a run, or of one of its steps.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { LineageModel } from '../../model/lineage';
import type { IArgovxClient } from '../../tokens';

export class LineageViewModel implements IDisposable {
  constructor(
    client: IArgovxClient,
    readonly run: string,
    readonly node: string
  ) {
    this.lineage = new LineageModel(client);
    this.lineage.changed.connect(() => this._changed.emit());
  }

  readonly lineage: LineageModel;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this.lineage.isDisposed;
  }

  set visible(visible: boolean) {
    this.lineage.follow(this.run, this.node, visible);
  }

  dispose(): void {
    this.lineage.dispose();
    Signal.clearData(this);
  }

  private readonly _changed = new Signal<this, void>(this);
}
