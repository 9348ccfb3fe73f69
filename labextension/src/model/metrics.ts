/**
 * The logged metrics of one node, followed while somebody looks.
 */
import type { IArgovxClient, IMetricPage, MetricPoint } from '../tokens';
import { Watch, type ITaken, type IWatchState, type IWatchTarget } from './watch';

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

export class MetricsModel extends Watch {
  constructor(private readonly _client: IArgovxClient) {
    super();
  }

  get series(): Series {
    return this._series;
  }

  /** Follow a node. */
  follow(target: IWatchTarget, state: IWatchState): void {
    this.watch(target, { ...state, active: state.active && target.node !== '' });
  }

  protected reset(): void {
    this._series = new Map();
    this._next = '';
  }

  protected async ask(): Promise<() => ITaken> {
    const page = await this._client.metrics(this.target.run, this.target.node, this._next);
    return () => {
      const news = page.whole || Object.values(page.series).some(points => points.length > 0);
      this._next = page.next;
      this._series = news ? mergeSeries(this._series, page) : this._series;
      return { news };
    };
  }

  private _series: Series = new Map();
  private _next = '';
}
