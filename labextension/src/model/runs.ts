/**
 * The one store of runs in the browser: list, live changes, and the verbs.
 *
 * Owns which runs are known and how fresh they are. Refuses to know notebooks or selections.
 */
import { Signal, type ISignal } from '@lumino/signaling';

import { ApiError, toApiError } from '../api/errors';
import type { Principal, Run } from '../api/schema';
import type { RunStream } from '../api/stream';
import type { IApiError, IArgovxClient, IConnection, IDelta, IRemote, IRunsModel } from '../tokens';
import { applyDelta, applyList, applySnapshot, forgetRevisions, newestFirst, type Entries } from './reduce';

/** How often the list is asked for beside the stream: how live the remote ends are. In milliseconds. */
export const AGAIN_MS = 30_000;

export class RunsModel implements IRunsModel {
  constructor(
    private readonly _client: IArgovxClient,
    private readonly _stream: RunStream
  ) {
    _stream.deltas.connect(this._onDeltas, this);
    _stream.restarted.connect(this._onRestarted, this);
    _stream.refused.connect(this._onRefused, this);
    _stream.stateChanged.connect(this._onState, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get runs(): readonly Run[] {
    this._sorted ??= newestFirst(this._entries);
    return this._sorted;
  }

  get profile(): string {
    return this._profile;
  }

  get principal(): Principal | null {
    return this._principal;
  }

  get error(): IApiError | null {
    return this._error;
  }

  get loading(): boolean {
    return this._loading;
  }

  get connection(): IConnection {
    const connection = this._stream.connection;
    return this._verdict ? { ...connection, state: this._verdict } : connection;
  }

  get remote(): IRemote {
    return this._remote;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  get(id: string): Run | undefined {
    return this._entries.get(id)?.run;
  }

  loaded(id: string): boolean {
    return this._entries.get(id)?.loaded ?? false;
  }

  unknown(id: string): boolean {
    return this._unknown.has(id);
  }

  /** Fetch the list; begins and ends the stream as the answer commands. */
  async refresh(): Promise<void> {
    this._forgetRetry();
    try {
      const list = await this._client.runs();
      if (this._disposed) {
        return;
      }
      this._profile = list.profile;
      this._principal = list.principal;
      this._remote = list.remote;
      this._error = null;
      this._verdict = null;
      this._set(applyList(this._entries, list.runs));
      if (this._stream.connection.state !== 'paused') {
        this._stream.start();
      }
    } catch (reason) {
      this._failed(reason);
    }
    this._loading = false;
    if (!this._disposed) {
      this._again();
      this._emit();
    }
  }

  load(id: string): Promise<void> {
    if (this.loaded(id)) {
      return Promise.resolve();
    }
    let pending = this._pending.get(id);
    if (!pending) {
      pending = this._fetch(id).finally(() => this._pending.delete(id));
      this._pending.set(id, pending);
    }
    return pending;
  }

  async stopRun(run: string): Promise<void> {
    await this._client.stopRun(run);
  }

  async stopStep(run: string, step: string): Promise<void> {
    await this._client.stopStep(run, step);
  }

  async retryStep(run: string, step: string): Promise<void> {
    await this._client.retryStep(run, step);
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      this._forgetRetry();
      this._stream.dispose();
      Signal.clearData(this);
    }
  }

  private async _fetch(id: string): Promise<void> {
    try {
      let run = await this._client.run(id);
      if (run.revision < (this.get(id)?.revision ?? 0)) {
        run = await this._client.run(id); // a change overtook the first answer
      }
      this._unknown.delete(id);
      this._set(applySnapshot(this._entries, run));
    } catch (reason) {
      const error = toApiError(reason);
      if (error.status !== 404) {
        throw reason;
      }
      this._unknown.add(id);
    }
    this._emit();
  }

  private _failed(reason: unknown): void {
    this._error = toApiError(reason);
    if (reason instanceof ApiError && reason.absent) {
      this._verdict = 'absent';
    } else if (this._error.status === 401 || this._error.status === 403) {
      this._verdict = 'refused';
    }
  }

  private _again(): void {
    const paused = (): boolean => this._stream.connection.state === 'paused';
    const timer = setTimeout(() => (paused() ? this._again() : void this.refresh()), AGAIN_MS);
    this._forgetRetry = () => clearTimeout(timer);
  }

  private _onDeltas(_: RunStream, deltas: readonly IDelta[]): void {
    const before = this._entries;
    const next = deltas.reduce(applyDelta, before);
    if (next !== before) {
      this._set(next);
      for (const delta of deltas) {
        this._unknown.delete(delta.run);
      }
      this._emit();
    }
  }

  private _onRestarted(): void {
    // Runs of the old epoch that the new one does not know must not stay on screen.
    this._set(forgetRevisions(this._entries));
    void this.refresh();
  }

  private _onRefused(_: RunStream, error: IApiError): void {
    this._error = error;
    this._emit();
  }

  private _onState(): void {
    this._emit();
  }

  private _set(entries: Entries): void {
    this._entries = entries;
    this._sorted = null;
  }

  private _emit(): void {
    if (!this._disposed) {
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _pending = new Map<string, Promise<void>>();
  private readonly _unknown = new Set<string>();
  private _entries: Entries = new Map();
  private _sorted: readonly Run[] | null = null;
  private _remote: IRemote = { live: true, staleS: 0, message: '', hint: '' };
  private _profile = '';
  private _principal: Principal | null = null;
  private _error: IApiError | null = null;
  private _verdict: 'absent' | 'refused' | null = null;
  private _loading = true;
  private _disposed = false;
  private _forgetRetry: () => void = () => undefined;
}
