/**
 * What is asked of one thing again and again while somebody looks: its target, its end, its error.
 *
 * Owns when an answer still counts and when a change is told. What is asked, and what of it is kept, is for
 * those that extend this.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { toApiError } from '../api/errors';
import type { IApiError } from '../tokens';
import { Follower } from './follower';

/** What an answer is about; another `execution` of the same node begins anew. */
export interface IWatchTarget {
  readonly run: string;
  readonly node: string;
  readonly execution: string;
}

export interface IWatchState {
  /** Whether somebody looks: nothing is asked for while nobody does. */
  readonly active: boolean;
  /** Whether nothing more will come: then one answer is enough. */
  readonly final: boolean;
}

/** What became of one answer. */
export interface ITaken {
  /** Whether there was anything new. */
  readonly news: boolean;
  /** Whether nothing follows, whatever the state says. */
  readonly complete?: boolean;
}

export abstract class Watch implements IDisposable {
  constructor(pauseMs?: number) {
    this._follower = new Follower(isCurrent => this._ask(isCurrent), pauseMs);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get error(): IApiError | null {
    return this._error;
  }

  /** Nothing more will come. */
  get complete(): boolean {
    return this._complete;
  }

  get isDisposed(): boolean {
    return this._follower.isDisposed;
  }

  dispose(): void {
    this._follower.dispose();
    Signal.clearData(this);
  }

  /** Go on with a target; another one begins anew. */
  protected watch(target: IWatchTarget, state: IWatchState): void {
    const key = `${target.run}\n${target.node}\n${target.execution}`;
    if (key !== this._key) {
      this._key = key;
      this._target = target;
      this._error = null;
      this._complete = false;
      this.reset();
      this._follower.restart();
      this._changed.emit();
    }
    if (this._final !== state.final) {
      this._final = state.final;
      this._complete = false; // the last words may have come with the end
    }
    this._follower.active = state.active && !this._complete;
  }

  protected get target(): IWatchTarget {
    return this._target;
  }

  /** Forget what was kept of the last target. */
  protected abstract reset(): void;

  /** Ask once; returns how the answer is taken in, which happens only while it is still wanted. */
  protected abstract ask(): Promise<() => ITaken>;

  private async _ask(isCurrent: () => boolean): Promise<boolean> {
    const final = this._final;
    try {
      const take = await this.ask();
      if (!isCurrent()) {
        return false;
      }
      const { news, complete = final } = take();
      this._complete = complete;
      if (news || this._error) {
        this._error = null;
        this._changed.emit();
      }
      return !complete;
    } catch (reason) {
      if (isCurrent()) {
        this._error = toApiError(reason);
        this._changed.emit();
      }
      return true;
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _follower: Follower;
  private _key = '';
  private _target: IWatchTarget = { run: '', node: '', execution: '' };
  private _final = false;
  private _complete = false;
  private _error: IApiError | null = null;
}
