/**
 * Asking again and again while somebody looks: one question at a time, none while hidden.
 */
import type { IDisposable } from '@lumino/disposable';

/** Pause between two questions, in milliseconds. */
export const PAUSE_MS = 1000;

/** Asks once; tells whether there may be more. `isCurrent` is false once the target changed. */
export type Ask = (isCurrent: () => boolean) => Promise<boolean>;

export class Follower implements IDisposable {
  constructor(
    private readonly _ask: Ask,
    private readonly _pauseMs = PAUSE_MS
  ) {}

  get isDisposed(): boolean {
    return this._disposed;
  }

  set active(active: boolean) {
    if (active !== this._active && !this._disposed) {
      this._active = active;
      clearTimeout(this._timer);
      if (active) {
        void this._turn(++this._round);
      }
    }
  }

  /** The target changed: answers that are under way are forgotten. */
  restart(): void {
    this._round++;
    this._active = false;
    clearTimeout(this._timer);
  }

  dispose(): void {
    this.restart();
    this._disposed = true;
  }

  private async _turn(round: number): Promise<void> {
    const isCurrent = (): boolean => round === this._round && !this._disposed;
    const more = document.hidden || (await this._ask(isCurrent));
    if (isCurrent() && this._active) {
      if (more) {
        this._timer = setTimeout(() => void this._turn(round), this._pauseMs);
      } else {
        this._active = false;
      }
    }
  }

  private _active = false;
  private _round = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _disposed = false;
}
