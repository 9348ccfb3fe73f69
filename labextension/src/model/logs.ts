/**
 * The log of one node, followed while somebody looks.
 *
 * Owns the text that is kept: the last lines, with carriage returns carried out and escapes removed.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { toApiError } from '../api/errors';
import type { IApiError, IArgovxClient } from '../tokens';
import { Follower } from './follower';

/** Lines that are kept; older ones are dropped and counted. */
export const LINES_MAX = 20_000;

// Terminal colours and cursor movements: `ESC [ … letter` and `ESC ] … BEL`.
const ESCAPES = /\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))/g;

/** What a line shows after its carriage returns: progress bars write over themselves. */
export function overwrite(line: string): string {
  const parts = line.replace(/\r+$/, '').split('\r');
  return parts.reduce((shown, part) => part + shown.slice(part.length), '');
}

/** Whole lines, and the one that is still being written. */
export class LogBuffer {
  constructor(private readonly _most = LINES_MAX) {}

  /** Whole lines that are kept. */
  get lines(): readonly string[] {
    return this._lines;
  }

  /** The last line, not ended yet. */
  get rest(): string {
    return overwrite(this._rest);
  }

  /** Lines dropped at the head. */
  get dropped(): number {
    return this._dropped;
  }

  append(text: string): void {
    const parts = (this._rest + text).replace(ESCAPES, '').split('\n');
    this._rest = parts.pop() ?? '';
    for (const part of parts) {
      this._lines.push(overwrite(part));
    }
    if (this._lines.length > this._most * 1.1) {
      const extra = this._lines.length - this._most;
      this._lines.splice(0, extra);
      this._dropped += extra;
    }
  }

  /** The last `n` lines, the unfinished one included. */
  tail(n: number): readonly string[] {
    const all = this.rest ? [...this._lines.slice(-n), this.rest] : this._lines;
    return all.slice(-n);
  }

  private readonly _lines: string[] = [];
  private _rest = '';
  private _dropped = 0;
}

export class LogsModel implements IDisposable {
  constructor(private readonly _client: IArgovxClient) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get buffer(): LogBuffer {
    return this._buffer;
  }

  /** No more text will come. */
  get complete(): boolean {
    return this._complete;
  }

  /** The server left out text at the head. */
  get truncated(): boolean {
    return this._truncated;
  }

  get error(): IApiError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._follower.isDisposed;
  }

  /**
   * Follow a node; another `execution` of the same node begins anew.
   *
   * @param active whether somebody looks; nothing is asked for while nobody does
   */
  follow(run: string, node: string, execution: string, active: boolean): void {
    const key = `${run}\n${node}\n${execution}`;
    if (key !== this._key) {
      this._key = key;
      this._target = { run, node };
      this._buffer = new LogBuffer();
      this._after = '';
      this._complete = this._truncated = false;
      this._error = null;
      this._follower.restart();
      this._changed.emit();
    }
    this._follower.active = active && !this._complete && node !== '';
  }

  dispose(): void {
    this._follower.dispose();
    Signal.clearData(this);
  }

  private async _ask(isCurrent: () => boolean): Promise<boolean> {
    try {
      const page = await this._client.logs(this._target.run, this._target.node, this._after);
      if (!isCurrent()) {
        return false;
      }
      const more = page.text !== '';
      this._buffer.append(page.text);
      this._after = page.next;
      this._complete = page.complete;
      this._truncated ||= page.truncated;
      if (more || page.complete || this._error) {
        this._error = null;
        this._changed.emit();
      }
      return !page.complete;
    } catch (reason) {
      if (isCurrent()) {
        this._error = toApiError(reason);
        this._changed.emit();
      }
      return true;
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _follower = new Follower(isCurrent => this._ask(isCurrent));
  private _buffer = new LogBuffer();
  private _key = '';
  private _target = { run: '', node: '' };
  private _after = '';
  private _complete = false;
  private _truncated = false;
  private _error: IApiError | null = null;
}
