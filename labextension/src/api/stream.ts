/**
 * The one connection of a browser tab: a resumable WebSocket, and a long poll where it cannot be had.
 *
 * Owns the cursor (`EPOCH.SEQ`), back-off, the watch for heartbeats, the fallback and the pause while
 * the tab is hidden. Refuses to interpret changes: whoever listens merges them. Every connection is
 * assumed to die within a minute, so resuming is the normal case and costs one request.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { IApiError, IConnection, IDelta } from '../tokens';
import { readFrame, type IFrame } from './answers';
import { Cursor } from './cursor';
import { backoff, type ISocket, type IStreamHost } from './streamHost';

/** Longest silence that counts as live, in milliseconds: two heartbeats of 15 s and some slack. */
export const SILENCE_MS = 35_000;
/** Failures of the socket in a row before the long poll takes over. */
export const FAILURES_BEFORE_POLL = 3;
/** How often the socket is tried again while polling works, in milliseconds. */
export const SOCKET_AGAIN_MS = 60_000;
/** How long a hidden tab stays connected, in milliseconds. */
export const HIDDEN_MS = 30_000;

export class RunStream implements IDisposable {
  constructor(private readonly _host: IStreamHost) {}

  /** Changes, in order, each once. */
  get deltas(): ISignal<this, readonly IDelta[]> {
    return this._deltas;
  }

  /** The server began anew: what was known must be fetched again. */
  get restarted(): ISignal<this, void> {
    return this._restarted;
  }

  /** The server refuses to stream, and says why. */
  get refused(): ISignal<this, IApiError> {
    return this._refused;
  }

  /** Emitted when the state changes in words; being heard again is no news. */
  get stateChanged(): ISignal<this, IConnection> {
    return this._stateChanged;
  }

  get connection(): IConnection {
    return this._connection;
  }

  /** Where the next connection resumes; empty before the first change. */
  get cursor(): string {
    return this._cursor.text;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  start(): void {
    if (!this._running && !this._disposed) {
      this._running = true;
      this._failures = 0;
      this._connect();
    }
  }

  /** Let the connection go; `start` resumes at the cursor. */
  pause(): void {
    if (this._running) {
      this._stop();
      this._say('paused');
    }
  }

  /** The tab was hidden or shown: a hidden tab is let go after a while, a shown one resumes at once. */
  visibility(hidden: boolean): void {
    this._forgetHidden();
    if (hidden) {
      this._forgetHidden = this._host.later(() => this.pause(), HIDDEN_MS);
    } else if (this._connection.state === 'paused') {
      this.start();
    }
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      this._forgetHidden();
      this._stop();
      Signal.clearData(this);
    }
  }

  private _stop(): void {
    this._running = false;
    this._turn++;
    this._forgetTimers();
    this._dropSocket();
  }

  private _connect(): void {
    const turn = ++this._turn;
    this._forgetTimers();
    this._dropSocket();
    const socket = this._host.openStream(this.cursor);
    this._socket = socket;
    socket.onopen = () => this._heard(turn);
    socket.onmessage = (event: { readonly data: unknown }) => {
      if (turn === this._turn) {
        this._heard(turn);
        this._receive(event.data);
      }
    };
    socket.onerror = () => undefined; // a close event follows
    socket.onclose = () => this._lost(turn);
    this._watchSilence(turn);
  }

  private _receive(data: unknown): void {
    let frame: IFrame;
    try {
      frame = readFrame(JSON.parse(String(data)));
    } catch {
      // An unreadable frame means a gap: begin again from a snapshot.
      this._cursor.forget();
      this._connect();
      return;
    }
    this._take(frame);
  }

  private _take(frame: IFrame): void {
    if (frame.error) {
      this._refused.emit(frame.error);
    }
    const fresh = this._cursor.take(frame, () => this._restarted.emit());
    if (fresh.length > 0) {
      this._deltas.emit(fresh);
    }
  }

  private _heard(turn: number): void {
    if (turn !== this._turn) {
      return;
    }
    this._failures = 0;
    this._heardAt = this._host.now();
    this._watchSilence(turn);
    this._say('live', false);
  }

  private _watchSilence(turn: number): void {
    this._forgetSilence();
    this._forgetSilence = this._host.later(() => this._lost(turn), SILENCE_MS);
  }

  private _lost(turn: number): void {
    if (turn !== this._turn || !this._running) {
      return;
    }
    this._forgetTimers();
    this._dropSocket();
    this._failures++;
    if (this._failures >= FAILURES_BEFORE_POLL) {
      this._pollSince = this._host.now();
      void this._poll(++this._turn);
      return;
    }
    this._say(this._heardAt === 0 ? 'connecting' : 'reconnecting', false);
    this._retry(() => this._connect());
  }

  private _retry(again: () => void): void {
    this._forgetRetry();
    this._forgetRetry = this._host.later(again, backoff(this._failures, this._host.random()));
  }

  private async _poll(turn: number): Promise<void> {
    let frame: IFrame;
    try {
      frame = await this._host.changes(this.cursor);
    } catch {
      if (turn === this._turn) {
        this._failures++;
        this._say('reconnecting', true);
        this._retry(() => this._socketOr(turn));
      }
      return;
    }
    if (turn !== this._turn) {
      return;
    }
    this._heardAt = this._host.now();
    this._say('live', true);
    this._take(frame);
    // An empty answer without a cursor would spin: give the server a moment.
    const wait = frame.deltas.length === 0 && this.cursor === '' ? 2_000 : 0;
    this._forgetRetry = this._host.later(() => this._socketOr(turn), wait);
  }

  /** While polling: the socket again once a minute, else the next poll. */
  private _socketOr(turn: number): void {
    if (turn !== this._turn) {
      return;
    }
    if (this._host.now() - this._pollSince >= SOCKET_AGAIN_MS) {
      this._failures = FAILURES_BEFORE_POLL - 1; // one more failure brings the poll back
      this._connect();
    } else {
      void this._poll(turn);
    }
  }

  private _say(state: IConnection['state'], polling = this._connection.polling): void {
    const before = this._connection;
    this._connection = { state, polling, heardAt: this._heardAt };
    if (before.state !== state || before.polling !== polling) {
      this._stateChanged.emit(this._connection);
    }
  }

  private _dropSocket(): void {
    const socket = this._socket;
    if (socket) {
      this._socket = null;
      socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
      socket.close();
    }
  }

  private _forgetTimers(): void {
    this._forgetRetry();
    this._forgetSilence();
  }

  private readonly _deltas = new Signal<this, readonly IDelta[]>(this);
  private readonly _restarted = new Signal<this, void>(this);
  private readonly _refused = new Signal<this, IApiError>(this);
  private readonly _stateChanged = new Signal<this, IConnection>(this);
  private _connection: IConnection = { state: 'connecting', heardAt: 0, polling: false };
  private _socket: ISocket | null = null;
  private readonly _cursor = new Cursor();
  private _heardAt = 0;
  private _failures = 0;
  private _pollSince = 0;
  /** Grows with every connection, so that late events of an old one are ignored. */
  private _turn = 0;
  private _running = false;
  private _disposed = false;
  private _forgetRetry: () => void = () => undefined;
  private _forgetSilence: () => void = () => undefined;
  private _forgetHidden: () => void = () => undefined;
}
