/**
 * The steps of a run over time: one row a step, its phases as stretches, attempts and earlier executions
 * beside them.
 */
import type { JSX } from 'react';

import { useServices } from '../../../components/context';
import { Cut } from '../../../components/cut';
import { PhaseGlyph } from '../../../components/glyph';
import { EmptyState } from '../../../components/parts';
import { age, elapsed, nodeSeconds } from '../../../format';
import { useNow, useSignal } from '../../../hooks';
import { isActive } from '../../../model/phases';
import {
  marks,
  place,
  timelineOf,
  type ISpan,
  type IStretch,
  type ITimelineRow
} from '../../../model/timeline';
import type { RunViewModel } from '../model';

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}

function words(item: IStretch): string {
  const time = elapsed((item.to - item.from) / 1000);
  return [`${item.name} ${time}`, item.message].filter(Boolean).join(' · ');
}

function Stretch({
  item,
  spans
}: {
  readonly item: IStretch;
  readonly spans: readonly ISpan[];
}): JSX.Element {
  const [left, right] = [place(spans, item.from), place(spans, item.to)];
  return (
    <i
      className={`jp-argovx-stretch jp-argovx-tone-${item.tone}${item.past ? ' jp-argovx-past' : ''}`}
      style={{ left: percent(left), width: percent(right - left) }}
      title={`${words(item)}\n${new Date(item.from).toISOString()}`}
      data-argovx-stretch={item.name}
    />
  );
}

interface IRowProps {
  readonly run: string;
  readonly row: ITimelineRow;
  readonly spans: readonly ISpan[];
  readonly at: readonly number[];
  readonly selected: boolean;
  readonly now: number;
  onPick(): void;
}

function Row({ run, row, spans, at, selected, now, onPick }: IRowProps): JSX.Element {
  const { node, stretches } = row;
  const seconds = node.phase === 'Planned' ? null : nodeSeconds(node, now);
  return (
    <li>
      <button
        type="button"
        className={`jp-argovx-timerow${node.phase === 'Planned' ? ' jp-argovx-dim' : ''}`}
        aria-pressed={selected}
        aria-label={[node.name, node.phase, ...stretches.map(words)].join(', ')}
        data-argovx-run={run}
        data-argovx-node={node.id}
        data-argovx-phase={node.phase}
        onClick={onPick}
      >
        <PhaseGlyph phase={node.phase} progress={node.progress} />
        <Cut className="jp-argovx-name" text={node.name} />
        <span className="jp-argovx-track">
          {at.map(mark => (
            <i key={mark} className="jp-argovx-rule" style={{ left: percent(place(spans, mark)) }} />
          ))}
          {stretches.length === 0 && <span className="jp-argovx-line">{node.line || node.phase}</span>}
          {stretches.map(item => (
            <Stretch key={`${item.name}${item.from}`} item={item} spans={spans} />
          ))}
        </span>
        <span className="jp-argovx-time">{seconds === null ? '' : elapsed(seconds)}</span>
      </button>
    </li>
  );
}

interface IAxisProps {
  readonly spans: readonly ISpan[];
  readonly at: readonly number[];
  readonly begin: number;
}

function Axis({ spans, at, begin }: IAxisProps): JSX.Element {
  const { trans } = useServices();
  const folds = spans.filter(span => span.folded);
  return (
    <div className="jp-argovx-axis" aria-hidden="true">
      <span className="jp-argovx-track">
        {at.map(mark => (
          <span
            key={mark}
            className="jp-argovx-mark-at"
            style={{ left: percent(place(spans, mark)) }}
            title={new Date(mark).toISOString()}
          >
            {elapsed((mark - begin) / 1000)}
          </span>
        ))}
        {folds.map(span => (
          <span
            key={span.from}
            className="jp-argovx-fold"
            style={{ left: percent(span.at), width: percent(span.width) }}
            title={trans.__('%1 in which nothing happened', age((span.to - span.from) / 1000))}
          >
            {age((span.to - span.from) / 1000)}
          </span>
        ))}
      </span>
    </div>
  );
}

const LEGEND = [
  ['queued', 'quiet'],
  ['provisioning', 'info'],
  ['running', 'brand'],
  ['uploading', 'success']
] as const;

function Legend(): JSX.Element {
  const { trans } = useServices();
  return (
    <div className="jp-argovx-legend">
      {LEGEND.map(([name, tone]) => (
        <span key={name}>
          <i className={`jp-argovx-swatch jp-argovx-tone-${tone}`} aria-hidden="true" />
          {name}
        </span>
      ))}
      <span>
        <i className="jp-argovx-swatch jp-argovx-past jp-argovx-tone-quiet" aria-hidden="true" />
        {trans.__('earlier attempt or execution')}
      </span>
    </div>
  );
}

export function Timeline({ model }: { readonly model: RunViewModel }): JSX.Element {
  const { trans } = useServices();
  useSignal(model.changed);
  const { run, node } = model;
  const now = useNow(run !== undefined && isActive(run.phase) && model.view === 'timeline');
  if (!run) {
    return <EmptyState title={trans.__('Asking for the run')} />;
  }
  const line = timelineOf(run, now);
  if (line.spans.length === 0) {
    return (
      <EmptyState title={trans.__('Nothing has run yet')}>
        <p>{trans.__('Run a step cell: its phases are drawn here as they pass.')}</p>
      </EmptyState>
    );
  }
  const at = marks(line);
  return (
    <div className="jp-argovx-timeline" data-argovx-timeline={run.id}>
      <Axis spans={line.spans} at={at} begin={line.begin} />
      <ul aria-label={trans.__('Steps over time')}>
        {line.rows.map(row => (
          <Row
            key={row.node.id}
            run={run.id}
            row={row}
            spans={line.spans}
            at={at}
            now={now}
            selected={row.node.id === node?.id}
            onPick={() => model.select(row.node.id === node?.id ? '' : row.node.id)}
          />
        ))}
      </ul>
      <Legend />
    </div>
  );
}
