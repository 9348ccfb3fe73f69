/**
 * The logged metrics of one node, followed while somebody looks.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { toApiError } from '../api/errors';
import type { IApiError, IArgovxClient, IMetricPage, MetricPoint } from '../tokens';
import { Follower } from './follower';

export type Series = ReadonlyMap<string, readonly MetricPoint[]>;

/**
 * Put an answer behind what is here, or in its place when the server has thinned its curves.
 *
 * Places are the server's: they count what was logged, whatever is left of it and at whichever pace.
 */
export function mergeSeries(series: Series, page: Pick<IMetricPage, 'series' | 'whole'>): Series {
  const merged = new Map(page.whole ? [] : series);
  for (const [name, points] of Object.entries(page.series)) {
    merged.set(name, [...(merged.get(name) ?? []), ...points]);
  }
  return merged;
}

/** Columns of a chart: steps where every point has one, else the order of logging. */
export function columns(points: readonly MetricPoint[]): readonly [number[], number[]] {
  const stepped = points.every(point => point[0] !== null);
  const rows = points.map((point, i): readonly [number, number] => [
    stepped ? (point[0] ?? i) : i + 1,
    point[1]
  ]);
  if (stepped) {
    rows.sort((a, b) => a[0] - b[0]);
  }
  return [rows.map(row => row[0]), rows.map(row => row[1])];
}

export class MetricsModel implements IDisposable {
  constructor(private readonly _client: IArgovxClient) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get series(): Series {
    return this._series;
  }

  get error(): IApiError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._follower.isDisposed;
  }

  /**
   * Follow a node; another `execution` begins anew.
   *
   * @param final whether nothing more will be logged: then one answer is enough
   */
  follow(
    target: { readonly run: string; readonly node: string; readonly execution: string },
    state: { readonly active: boolean; readonly final: boolean }
  ): void {
    const key = `${target.run}\n${target.node}\n${target.execution}`;
    if (key !== this._key) {
      this._key = key;
      this._target = target;
      this._series = new Map();
      this._next = '';
      this._error = null;
      this._complete = false;
      this._follower.restart();
      this._changed.emit();
    }
    if (this._final !== state.final) {
      this._final = state.final;
      this._complete = false; // the last points may have come with the end
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
      const page = await this._client.metrics(this._target.run, this._target.node, this._next);
      if (!isCurrent()) {
        return false;
      }
      const news = page.whole || Object.values(page.series).some(points => points.length > 0);
      this._next = page.next;
      if (news || this._error) {
        this._series = mergeSeries(this._series, page);
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
  private readonly _follower = new Follower(isCurrent => this._ask(isCurrent));
  private _series: Series = new Map();
  private _next = '';
  private _key = '';
  private _target = { run: '', node: '' };
  private _final = false;
  private _complete = false;
  private _error: IApiError | null = null;
}
