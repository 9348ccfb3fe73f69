/**
 * Logged metrics as live curves, or as the table behind them.
 */
import { useMemo, useState, type JSX } from 'react';

import { Chart } from '../../../components/chart';
import { useServices } from '../../../components/context';
import { EmptyState, ErrorBox } from '../../../components/parts';
import { metric } from '../../../format';
import { useSignal } from '../../../hooks';
import { columns, type MetricsModel, type Series } from '../../../model/metrics';
import type { MetricPoint } from '../../../tokens';

/** Rows of the table at most; the newest are kept. */
const ROWS_MAX = 500;

interface ICurveProps {
  readonly name: string;
  readonly points: readonly MetricPoint[];
  readonly sync: string;
}

function Curve({ name, points, sync }: ICurveProps): JSX.Element {
  const data = useMemo(() => columns(points), [points]);
  const [cursor, setCursor] = useState<number | null>(null);
  const at = cursor !== null && cursor < data[0].length ? cursor : data[0].length - 1;
  return (
    <figure className="jp-argovx-curve" data-argovx-metric={name}>
      <figcaption>
        <span className="jp-argovx-name" title={name}>
          {name}
        </span>
        <span className="jp-argovx-at">{data[0][at] ?? ''}</span>
        <b className="jp-argovx-number">{metric(data[1][at] ?? NaN)}</b>
      </figcaption>
      <Chart name={name} data={data} sync={sync} onCursor={setCursor} />
    </figure>
  );
}

interface ITable {
  readonly names: readonly string[];
  readonly rows: readonly (readonly [number, ReadonlyMap<string, number>])[];
}

/** Series joined by step: one row a step, one column a metric. */
function tableOf(series: Series): ITable {
  const rows = new Map<number, Map<string, number>>();
  for (const [name, points] of series) {
    const [x, y] = columns(points);
    x.forEach((at, i) => {
      const row = rows.get(at) ?? new Map<string, number>();
      row.set(name, y[i] ?? NaN);
      rows.set(at, row);
    });
  }
  const sorted = [...rows].sort((a, b) => b[0] - a[0]).slice(0, ROWS_MAX);
  return { names: [...series.keys()], rows: sorted };
}

function Table({ series }: { readonly series: Series }): JSX.Element {
  const { trans } = useServices();
  const table = tableOf(series);
  return (
    <table className="jp-argovx-table">
      <thead>
        <tr>
          <th className="jp-argovx-number">{trans.__('Step')}</th>
          {table.names.map(name => (
            <th key={name} className="jp-argovx-number">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.rows.map(([at, row]) => (
          <tr key={at}>
            <td className="jp-argovx-number">{at}</td>
            {table.names.map(name => (
              <td key={name} className="jp-argovx-number">
                {row.has(name) ? metric(row.get(name) ?? NaN) : ''}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Metrics({
  model,
  sync
}: {
  readonly model: MetricsModel;
  readonly sync: string;
}): JSX.Element {
  const { trans } = useServices();
  useSignal(model.changed);
  const [asTable, setAsTable] = useState(false);
  const { series, error } = model;
  return (
    <div className="jp-argovx-tab">
      {error && <ErrorBox error={error} />}
      {series.size === 0 && !error && <EmptyState title={trans.__('Asking for points')} />}
      {asTable ? (
        <Table series={series} />
      ) : (
        [...series].map(([name, points]) => <Curve key={name} name={name} points={points} sync={sync} />)
      )}
      {series.size > 0 && (
        <button
          type="button"
          className="jp-argovx-linklike"
          aria-pressed={asTable}
          onClick={() => setAsTable(!asTable)}
        >
          {asTable ? trans.__('Show curves') : trans.__('Show as a table')}
        </button>
      )}
    </div>
  );
}
