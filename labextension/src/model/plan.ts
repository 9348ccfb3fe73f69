/**
 * What the open notebook would run: planned steps, asked of the server as the text changes.
 *
 * Owns one plan per notebook path. The notebook is read as a document; no kernel takes part.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { IArgovxClient, IPlan } from '../tokens';

/** How long the text must rest before it is sent, in milliseconds. */
export const REST_MS = 300;

/** A notebook that can be asked for its text. */
export interface IPlanSource {
  readonly path: string;
  content(): unknown;
}

export class PlanModel implements IDisposable {
  constructor(private readonly _client: IArgovxClient) {}

  /** Emitted when the plan of the current notebook, or the current notebook, changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Path of the notebook at hand; empty without one. */
  get path(): string {
    return this._source?.path ?? '';
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** The plan of a notebook, when it was ever open here. */
  of(path: string): IPlan | undefined {
    return this._plans.get(path);
  }

  /** Every plan by notebook path. */
  get plans(): ReadonlyMap<string, IPlan> {
    return this._plans;
  }

  /** Follow another notebook (or none). */
  follow(source: IPlanSource | null): void {
    this._source = source;
    this._changed.emit();
    this.touch(0);
  }

  /** The text changed: ask anew once it rests. */
  touch(restMs: number = REST_MS): void {
    clearTimeout(this._timer);
    if (this._source && !this._disposed) {
      this._timer = setTimeout(() => void this._ask(), restMs);
    }
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      clearTimeout(this._timer);
      Signal.clearData(this);
    }
  }

  private async _ask(): Promise<void> {
    const source = this._source;
    if (!source) {
      return;
    }
    const turn = ++this._turn;
    try {
      const plan = await this._client.plan(source.path, source.content());
      if (turn === this._turn && !this._disposed) {
        this._plans.set(source.path, plan);
        this._changed.emit();
      }
    } catch {
      // The plan is a courtesy: without it the runs still show. The list says what is wrong.
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _plans = new Map<string, IPlan>();
  private _source: IPlanSource | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _turn = 0;
  private _disposed = false;
}
