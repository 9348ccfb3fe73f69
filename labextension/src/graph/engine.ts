/**
 * Where a layout is computed: at once for small graphs, in a worker for large ones.
 */
import type { IDisposable } from '@lumino/disposable';

import { layout, type ILayout, type ILayoutInput } from './layout';

/** Above this many nodes the worker is used: below, the layout takes less than a frame. */
export const WORKER_ABOVE = 150;

interface IAnswer {
  readonly id: number;
  readonly layout: ILayout;
}

export class LayoutEngine implements IDisposable {
  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Compute; calls back at once or later, and only for the newest request. */
  request(input: ILayoutInput, done: (layout: ILayout) => void): void {
    const id = ++this._last;
    const worker = input.nodes.length > WORKER_ABOVE ? this._start() : null;
    if (!worker) {
      done(layout(input));
      return;
    }
    this._waiting = { id, done };
    worker.postMessage({ id, input });
  }

  dispose(): void {
    this._disposed = true;
    this._worker?.terminate();
    this._worker = null;
  }

  private _start(): Worker | null {
    if (!this._worker && !this._failed && typeof Worker !== 'undefined') {
      try {
        this._worker = new Worker(new URL('./layout.worker.js', import.meta.url));
        this._worker.onmessage = (event: MessageEvent<IAnswer>) => this._answer(event.data);
        this._worker.onerror = () => {
          this._failed = true; // a strict content policy: the next request computes here
          this._worker = null;
        };
      } catch {
        this._failed = true;
      }
    }
    return this._worker;
  }

  private _answer(answer: IAnswer): void {
    if (!this._disposed && answer.id === this._last && this._waiting?.id === answer.id) {
      this._waiting.done(answer.layout);
    }
  }

  private _worker: Worker | null = null;
  private _waiting: { id: number; done: (layout: ILayout) => void } | null = null;
  private _last = 0;
  private _failed = false;
  private _disposed = false;
}
