/**
 * One answer about one step, asked for while somebody looks: its events, its spec.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { toApiError } from '../api/errors';
import type { IApiError } from '../tokens';
import { Follower } from './follower';

/** How often an answer that may still grow is asked for again, in milliseconds. */
export const DETAIL_PAUSE_MS = 2000;

/** What an answer is about; another `execution` of the same node begins anew. */
export interface IDetailTarget {
  readonly run: string;
  readonly node: string;
  readonly execution: string;
}

export class DetailModel<T> implements IDisposable {
  constructor(private readonly _question: (run: string, node: string) => Promise<T>) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** `null` until the first answer. */
  get value(): T | null {
    return this._value;
  }

  get error(): IApiError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._follower.isDisposed;
  }

  /**
   * Ask about a step.
   *
   * @param state `active`: whether somebody looks; `final`: whether one answer is enough
   */
  follow(target: IDetailTarget, state: { readonly active: boolean; readonly final: boolean }): void {
    const key = `${target.run}\n${target.node}\n${target.execution}`;
    if (key !== this._key) {
      this._key = key;
      this._target = target;
      this._value = null;
      this._text = '';
      this._error = null;
      this._complete = false;
      this._follower.restart();
      this._changed.emit();
    }
    if (this._final !== state.final) {
      this._final = state.final;
      this._complete = false; // the last words may have come with the end
    }
    this._follower.active = state.active && !this._complete && target.node !== '';
  }

  dispose(): void {
    this._follower.dispose();
    Signal.clearData(this);
  }

  private async _ask(isCurrent: () => boolean): Promise<boolean> {
    const final = this._final;
    try {
      const value = await this._question(this._target.run, this._target.node);
      const text = JSON.stringify(value);
      if (!isCurrent()) {
        return false;
      }
      if (text !== this._text || this._error) {
        this._text = text;
        this._value = value;
        this._error = null;
        this._changed.emit();
      }
      this._complete = final;
      return !final;
    } catch (reason) {
      if (isCurrent()) {
        this._error = toApiError(reason);
        this._changed.emit();
      }
      return true;
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _follower = new Follower(isCurrent => this._ask(isCurrent), DETAIL_PAUSE_MS);
  private _value: T | null = null;
  private _text = '';
  private _key = '';
  private _target: IDetailTarget = { run: '', node: '', execution: '' };
  private _final = false;
  private _complete = false;
  private _error: IApiError | null = null;
}
