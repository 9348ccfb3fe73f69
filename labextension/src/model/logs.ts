/**
 * The log of one node, followed while somebody looks.
 *
 * Owns the text that is kept: the last lines, with carriage returns carried out and escapes removed.
 */
import type { IArgovxClient } from '../tokens';
import { Watch, type ITaken } from './watch';

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

export class LogsModel extends Watch {
  constructor(private readonly _client: IArgovxClient) {
    super();
  }

  get buffer(): LogBuffer {
    return this._buffer;
  }

  /** The server left out text at the head. */
  get truncated(): boolean {
    return this._truncated;
  }

  /** Follow a node; the log itself says when it is complete. */
  follow(run: string, node: string, execution: string, active: boolean): void {
    this.watch({ run, node, execution }, { active: active && node !== '', final: false });
  }

  protected reset(): void {
    this._buffer = new LogBuffer();
    this._after = '';
    this._truncated = false;
  }

  protected async ask(): Promise<() => ITaken> {
    const page = await this._client.logs(this.target.run, this.target.node, this._after);
    return () => {
      this._buffer.append(page.text);
      this._after = page.next;
      this._truncated ||= page.truncated;
      return { news: page.text !== '' || page.complete, complete: page.complete };
    };
  }

  private _buffer = new LogBuffer();
  private _after = '';
  private _truncated = false;
}
