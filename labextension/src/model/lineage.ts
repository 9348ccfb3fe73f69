/**
 * Where values come from and who used them, of one run or step, asked of both systems.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { toApiError } from '../api/errors';
import type { Lineage } from '../api/schema';
import type { IApiError, IArgovxClient } from '../tokens';
import { Follower } from './follower';

/** Both systems are asked anew this often while somebody looks, in milliseconds. */
export const LINEAGE_PAUSE_MS = 5000;

export class LineageModel implements IDisposable {
  constructor(private readonly _client: IArgovxClient) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** `null` until the first answer. */
  get lineage(): Lineage | null {
    return this._lineage;
  }

  get error(): IApiError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._follower.isDisposed;
  }

  follow(run: string, node: string, active: boolean): void {
    const key = `${run}\n${node}`;
    if (key !== this._key) {
      this._key = key;
      this._target = { run, node };
      this._lineage = null;
      this._error = null;
      this._text = '';
      this._follower.restart();
      this._changed.emit();
    }
    this._follower.active = active && run !== '';
  }

  dispose(): void {
    this._follower.dispose();
    Signal.clearData(this);
  }

  private async _ask(isCurrent: () => boolean): Promise<boolean> {
    try {
      const lineage = await this._client.lineage(this._target.run, this._target.node || undefined);
      const text = JSON.stringify(lineage);
      if (isCurrent() && (text !== this._text || this._error)) {
        this._text = text;
        this._lineage = lineage;
        this._error = null;
        this._changed.emit();
      }
    } catch (reason) {
      if (isCurrent()) {
        this._error = toApiError(reason);
        this._changed.emit();
      }
    }
    return true;
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _follower = new Follower(isCurrent => this._ask(isCurrent), LINEAGE_PAUSE_MS);
  private _lineage: Lineage | null = null;
  private _text = '';
  private _key = '';
  private _target = { run: '', node: '' };
  private _error: IApiError | null = null;
}
