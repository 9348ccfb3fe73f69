/**
 * Where a reader stands in the stream: `EPOCH.SEQ`. Each change passes once.
 */
import type { IDelta } from '../tokens';
import type { IFrame } from './answers';

export class Cursor {
  /** Where the next connection resumes; empty before the first change. */
  get text(): string {
    return this._epoch === '' ? '' : `${this._epoch}.${this._seq}`;
  }

  /** There is a gap: begin again from a snapshot. */
  forget(): void {
    this._epoch = '';
  }

  /**
   * Move on, and return the changes that are new.
   *
   * @param onRestart called before changes of another server process, whose numbers begin anew
   */
  take(frame: IFrame, onRestart: () => void): readonly IDelta[] {
    const fresh: IDelta[] = [];
    for (const delta of frame.deltas) {
      this._enter(delta.epoch, onRestart);
      // Snapshots of several runs share a number; only what is older is a repetition.
      if (delta.seq >= this._seq) {
        this._seq = delta.seq;
        fresh.push(delta);
      }
    }
    if (frame.place) {
      this._enter(frame.place.epoch, onRestart);
      this._seq = Math.max(this._seq, frame.place.seq);
    }
    return fresh;
  }

  private _enter(epoch: string, onRestart: () => void): void {
    if (epoch !== this._epoch) {
      this._epoch = epoch;
      this._seq = -1;
      if (this._began) {
        onRestart();
      }
      this._began = true;
    }
  }

  private _epoch = '';
  private _seq = -1;
  private _began = false;
}
