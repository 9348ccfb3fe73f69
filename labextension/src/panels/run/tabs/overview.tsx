/**
 * What there is to say about a step, or about the run when no step is selected.
 */
import type { ReactNode, JSX } from 'react';

import type { Experiment, Node, Run } from '../../../api/schema';
import { CommandIDs } from '../../../commands';
import { useServices } from '../../../components/context';
import { Cut } from '../../../components/cut';
import { PhaseGlyph } from '../../../components/glyph';
import { ErrorBox, SegmentBar } from '../../../components/parts';
import { elapsed, metric, nodeSeconds, secondsBetween, when } from '../../../format';
import { useNow } from '../../../hooks';
import { isActive, isVertexJob, OUTSIDE } from '../../../model/phases';
import { isPlannedId } from '../../../model/reduce';
import type { RunViewModel } from '../model';

interface IFact {
  readonly name: string;
  readonly value: ReactNode;
  readonly title?: string;
}

function Facts({ facts }: { readonly facts: readonly IFact[] }): JSX.Element {
  return (
    <dl className="jp-argovx-facts">
      {facts
        .filter(fact => fact.value !== '' && fact.value !== null)
        .map(fact => (
          <div key={fact.name}>
            <dt>{fact.name}</dt>
            <dd title={fact.title ?? (typeof fact.value === 'string' ? fact.value : '')}>{fact.value}</dd>
          </div>
        ))}
    </dl>
  );
}

const PARTS = [
  ['queued', 'queued_at', 'quiet'],
  ['provisioning', 'provisioning_at', 'info'],
  ['running', 'running_at', 'brand'],
  ['uploading', 'uploading_at', 'success']
] as const;

/** How long each part took, as one bar and in numbers. */
function Times({ node }: { readonly node: Node }): JSX.Element | null {
  const now = useNow(isActive(node.phase));
  const begun = PARTS.filter(([, at]) => node.times[at] !== null);
  const rows = begun.map(([name, at, tone], i) => {
    const next = begun[i + 1];
    const end = next ? node.times[next[1]] : node.times.finished_at;
    return { name, tone, seconds: secondsBetween(node.times[at], end, now) ?? 0, at: node.times[at] ?? '' };
  });
  if (rows.length === 0) {
    return null;
  }
  return (
    <div className="jp-argovx-times">
      <div className="jp-argovx-bar" aria-hidden="true">
        {rows.map(row => (
          <span
            key={row.name}
            className={`jp-argovx-bar-part jp-argovx-tone-${row.tone}`}
            style={{ flexGrow: Math.max(row.seconds, 0.001) }}
          />
        ))}
      </div>
      <table>
        <tbody>
          {rows.map(row => (
            <tr key={row.name} title={row.at}>
              <td>
                <i className={`jp-argovx-swatch jp-argovx-tone-${row.tone}`} aria-hidden="true" />
                {row.name}
              </td>
              <td className="jp-argovx-number">{elapsed(row.seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The user's own error: the last lines of the traceback, as Jupyter would show them. */
function Failure({ node }: { readonly node: Node }): JSX.Element | null {
  const text = node.exit?.error || node.message || node.vertex?.error || '';
  if (node.phase !== 'Failed' || !text) {
    return null;
  }
  const place = node.exit?.place ? ` · ${node.exit.place}` : '';
  return (
    <>
      <ErrorBox error={{ message: `${text}${place}`, hint: node.hint }} />
      {node.exit && node.exit.traceback.length > 0 && (
        <pre className="jp-argovx-traceback">{node.exit.traceback.join('\n')}</pre>
      )}
    </>
  );
}

function last(path: string): string {
  return path.split('/').pop() ?? path;
}

function Console({ href }: { readonly href: string }): JSX.Element | null {
  const { trans } = useServices();
  return /^https:\/\//.test(href) ? (
    <a className="jp-argovx-link" href={href} target="_blank" rel="noopener noreferrer">
      {trans.__('console')}
    </a>
  ) : null;
}

/** Who stopped a step and when, as far as anybody recorded it. */
function stopOf({ stop }: Node, now: number): string {
  if (!stop) {
    return '';
  }
  const how = stop.how === 'Vertex' ? 'cancelled at Vertex' : stop.how;
  const by = stop.by ? `by ${stop.by}` : stop.how === 'Vertex' ? '' : 'nobody recorded who';
  return [how, by, stop.at ? when(stop.at, now) : ''].filter(Boolean).join(' · ');
}

function experimentRun(experiment: Experiment | null): string {
  return experiment?.run ? [experiment.run, experiment.state].filter(Boolean).join(' · ') : '';
}

/** A table of names and values, such as parameters; nothing where there are none. */
function Values({
  title,
  of
}: {
  readonly title: string;
  readonly of: readonly IFact[];
}): JSX.Element | null {
  return of.length === 0 ? null : (
    <section data-argovx-values={title}>
      <h3>{title}</h3>
      <Facts facts={of} />
    </section>
  );
}

/** What was logged to the experiment run of a job: parameters, and the last value of each metric. */
function Logged({ node }: { readonly node: Node }): JSX.Element | null {
  const { trans } = useServices();
  if (node.argo) {
    return null; // a step's metrics stand in their own tab
  }
  const params = Object.entries(node.experiment?.params ?? {}).map(([name, value]) => ({ name, value }));
  const metrics = Object.entries(node.metrics).map(([name, value]) => ({ name, value: metric(value) }));
  return (
    <>
      <Values title={trans.__('Parameters')} of={params} />
      <Values title={trans.__('Metrics')} of={metrics} />
    </>
  );
}

function nodeFacts(node: Node, now: number): readonly IFact[] {
  const { argo, vertex, exit, cell } = node;
  const job = vertex?.job ?? '';
  return [
    { name: 'Argo phase', value: argo?.phase ?? '', title: argo?.message ?? '' },
    { name: 'Vertex state', value: vertex?.state ?? '' },
    { name: 'Machine', value: node.machine },
    { name: 'Cell', value: cell ? `${last(cell.notebook)} · cell ${cell.number}` : '' },
    { name: 'Stopped', value: stopOf(node, now), title: node.stop?.at ?? '' },
    { name: 'Exit', value: exit?.code != null ? `${exit.code} · ${exit.reason}` : '' },
    { name: 'Workflow', value: argo?.workflow ?? '' },
    { name: 'Pod', value: argo?.pod ?? '' },
    {
      name: 'Custom job',
      title: job,
      value: job ? (
        <>
          {last(job)} <Console href={vertex?.console_url ?? ''} />
        </>
      ) : (
        ''
      )
    },
    { name: 'Runs as', value: vertex?.account ?? '' },
    { name: 'Experiment', value: node.experiment?.name ?? '' },
    { name: 'Experiment run', value: experimentRun(node.experiment) },
    { name: 'Attempts', value: argo && argo.attempts > 1 ? String(argo.attempts) : '' },
    { name: 'Folder', value: node.attempt_uri }
  ];
}

function History({ node }: { readonly node: Node }): JSX.Element | null {
  const { trans } = useServices();
  const now = useNow(false);
  if (node.history.length === 0) {
    return null;
  }
  return (
    <section>
      <h3>{trans.__('Earlier executions')}</h3>
      <ul className="jp-argovx-history">
        {node.history.map(item => (
          <li key={item.workflow} title={item.workflow}>
            <PhaseGlyph phase={item.phase} />
            <span>{item.phase}</span>
            <span className="jp-argovx-line">{item.message}</span>
            <span className="jp-argovx-time" title={item.finished_at ?? ''}>
              {item.finished_at ? when(item.finished_at, now) : ''}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function NodeOverview({ node }: { readonly node: Node }): JSX.Element {
  const now = useNow(false);
  return (
    <div className="jp-argovx-tab">
      <Failure node={node} />
      {node.phase !== 'Failed' && (node.message || node.hint) && (
        <p className="jp-argovx-message">{[node.message, node.hint].filter(Boolean).join(' ')}</p>
      )}
      <Times node={node} />
      <Facts facts={nodeFacts(node, now)} />
      <Logged node={node} />
      <History node={node} />
    </div>
  );
}

function StepTable({ run, model }: { readonly run: Run; readonly model: RunViewModel }): JSX.Element {
  const { trans } = useServices();
  const now = useNow(isActive(run.phase));
  return (
    <table className="jp-argovx-table jp-argovx-steptable">
      <thead>
        <tr>
          <th>{trans.__('Step')}</th>
          <th>{trans.__('State')}</th>
          <th className="jp-argovx-number">{trans.__('Time')}</th>
        </tr>
      </thead>
      <tbody>
        {run.nodes.map(node => {
          const seconds = node.phase === 'Planned' ? null : nodeSeconds(node, now);
          return (
            <tr key={node.id} onClick={() => model.select(node.id)} title={node.line}>
              <td className="jp-argovx-name">
                <Cut text={node.name} />
              </td>
              <td>
                <span className="jp-argovx-state">
                  <PhaseGlyph phase={node.phase} progress={node.progress} />
                  {node.phase}
                </span>
              </td>
              <td className="jp-argovx-number">{seconds === null ? '' : elapsed(seconds)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Problems({ run }: { readonly run: Run }): JSX.Element {
  const { board, commands, trans } = useServices();
  return (
    <>
      {board.problems(run).map(problem => (
        <div key={`${problem.cell}${problem.message}`} className="jp-argovx-problem">
          <ErrorBox error={problem} />
          {problem.cell && (
            <button
              type="button"
              className="jp-argovx-linklike"
              onClick={() => void commands.execute(CommandIDs.goToCell, { run: run.id, cell: problem.cell })}
            >
              {trans.__('Go to cell')}
            </button>
          )}
        </div>
      ))}
    </>
  );
}

export function RunOverview({ model }: { readonly model: RunViewModel }): JSX.Element | null {
  const now = useNow(false);
  const { run } = model;
  if (!run) {
    return null;
  }
  const planned = isPlannedId(run.id);
  const facts: readonly IFact[] = [
    { name: 'What', value: isVertexJob(run) ? OUTSIDE : '' },
    { name: 'Notebook', value: run.notebook },
    { name: 'Profile', value: run.profile },
    { name: 'Namespace', value: run.namespace },
    { name: 'User', value: run.user },
    { name: 'Began', value: run.created_at ? when(run.created_at, now) : '', title: run.created_at ?? '' },
    { name: 'Ended', value: run.finished_at ? when(run.finished_at, now) : '', title: run.finished_at ?? '' }
  ];
  return (
    <div className="jp-argovx-tab">
      <Problems run={run} />
      {!planned && <SegmentBar run={run} />}
      <StepTable run={run} model={model} />
      <Facts facts={facts} />
    </div>
  );
}
