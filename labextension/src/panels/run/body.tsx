/**
 * Head and inspector of a run view.
 */
import { useState, type JSX } from 'react';

import type { Node, Run } from '../../api/schema';
import { CommandIDs } from '../../commands';
import { useServices } from '../../components/context';
import { Cut } from '../../components/cut';
import { PhaseGlyph } from '../../components/glyph';
import { LineageList } from '../../components/lineage';
import { ActionButton, EmptyState, ErrorBox } from '../../components/parts';
import { TabList } from '../../components/tabs';
import { connectionWords, elapsed, lineOf, runSeconds } from '../../format';
import { useNow, useSignal } from '../../hooks';
import { isActive, isVertexJob, may, OUTSIDE, tally, wantsRun } from '../../model/phases';
import { isPlannedId } from '../../model/reduce';
import type { IApiError } from '../../tokens';
import type { RunViewModel, Tab } from './model';
import { Data } from './tabs/data';
import { Events } from './tabs/events';
import { Logs } from './tabs/logs';
import { Metrics } from './tabs/metrics';
import { NodeOverview, RunOverview } from './tabs/overview';
import { Spec } from './tabs/spec';

function Freshness(): JSX.Element | null {
  const { board } = useServices();
  const { connection, remote } = board.runs;
  const now = useNow(connection.state !== 'live');
  if (connection.state === 'live' && remote.live) {
    return null;
  }
  return (
    <span className="jp-argovx-stale" role="status" title={remote.hint}>
      {connection.state === 'live' ? remote.message : connectionWords(connection, now)}
    </span>
  );
}

export function Head({ model }: { readonly model: RunViewModel }): JSX.Element | null {
  const { board, trans } = useServices();
  useSignal(model.changed);
  const [error, setError] = useState<IApiError | null>(null);
  const { run } = model;
  const now = useNow(run !== undefined && isActive(run.phase));
  if (!run) {
    return null;
  }
  const { done, total } = tally(run);
  const seconds = runSeconds(run, now);
  return (
    <div className="jp-argovx-runhead" data-argovx-run={run.id} data-argovx-phase={run.phase}>
      <PhaseGlyph phase={run.phase} />
      <Cut className="jp-argovx-title" text={run.name} title={run.id} />
      <span>{run.phase}</span>
      {!isVertexJob(run) && (
        <span className="jp-argovx-tally" title={trans.__('%1 of %2 steps are done', done, total)}>
          {trans.__('%1/%2 done', done, total)}
        </span>
      )}
      {seconds !== null && <span className="jp-argovx-time">{elapsed(seconds)}</span>}
      {isVertexJob(run) && <span className="jp-argovx-note">{trans.__(OUTSIDE)}</span>}
      {run.note && <span className="jp-argovx-note">{run.note}</span>}
      <span className="jp-argovx-space" />
      <Freshness />
      {error && <ErrorBox error={error} />}
      {run.actions.includes('stop') && (
        <ActionButton
          label={trans.__('Stop')}
          title={
            isVertexJob(run)
              ? trans.__('Cancel the Vertex job')
              : trans.__('Stop every step that is under way')
          }
          action={() => board.runs.stopRun(run.id)}
          onError={setError}
        />
      )}
    </div>
  );
}

function NodeHead({ run, node }: { readonly run: Run; readonly node: Node }): JSX.Element {
  const { board, commands, trans } = useServices();
  const [error, setError] = useState<IApiError | null>(null);
  const line = lineOf(node, useNow(false));
  return (
    <div className="jp-argovx-nodehead" data-argovx-node={node.id} data-argovx-phase={node.phase}>
      <div className="jp-argovx-nodeline">
        <PhaseGlyph phase={node.phase} progress={node.progress} />
        <Cut className="jp-argovx-title" text={node.name} />
        <span className="jp-argovx-word">{node.phase}</span>
      </div>
      {line && line !== node.phase && (
        <div className="jp-argovx-line" title={node.stop?.at ?? ''}>
          {line}
        </div>
      )}
      <div className="jp-argovx-nodeverbs">
        {(may(node, 'cell') || node.cell?.cell_id) && (
          <ActionButton
            label={trans.__('Go to cell')}
            action={() => commands.execute(CommandIDs.goToCell, { run: run.id, node: node.id })}
            onError={setError}
          />
        )}
        {wantsRun(node) && (
          <ActionButton
            label={trans.__('Run cell and what follows')}
            title={trans.__(
              'Run the cell as it is now, and the cells below, from the results that are there'
            )}
            action={() => commands.execute(CommandIDs.runCell, { run: run.id, node: node.id })}
            onError={setError}
          />
        )}
        {may(node, 'retry') && (
          <ActionButton
            label={trans.__('Retry the same code')}
            title={trans.__('Run %1 again with the code and inputs that it had', node.name)}
            action={() => board.runs.retryStep(run.id, node.id)}
            onError={setError}
          />
        )}
        {may(node, 'stop') && (
          <ActionButton
            label={trans.__('Stop')}
            title={
              isVertexJob(run)
                ? trans.__('Cancel the Vertex job')
                : trans.__('Stop %1 and its Vertex job', node.name)
            }
            action={() => board.runs.stopStep(run.id, node.id)}
            onError={setError}
          />
        )}
      </div>
      {error && <ErrorBox error={error} />}
    </div>
  );
}

function TabBar({ model }: { readonly model: RunViewModel }): JSX.Element | null {
  const { trans } = useServices();
  const { tabs, tab } = model;
  const words: Readonly<Record<Tab, string>> = {
    overview: trans.__('Overview'),
    logs: trans.__('Logs'),
    metrics: trans.__('Metrics'),
    data: trans.__('Data'),
    events: trans.__('Events'),
    spec: trans.__('Spec'),
    lineage: trans.__('Lineage')
  };
  return tabs.length < 2 ? null : (
    <TabList
      label={trans.__('Inspector')}
      names={tabs}
      words={words}
      chosen={tab}
      data="tab"
      onChoose={name => (model.tab = name)}
    />
  );
}

function TabContent({
  model,
  node
}: {
  readonly model: RunViewModel;
  readonly node: Node | undefined;
}): JSX.Element {
  if (model.tab === 'lineage') {
    return <LineageList model={model.lineage} />;
  }
  if (!node) {
    return <RunOverview model={model} />;
  }
  switch (model.tab) {
    case 'overview':
      return <NodeOverview node={node} />;
    case 'logs':
      return <Logs key={node.id} model={model.logs} />;
    case 'metrics':
      return <Metrics key={node.id} model={model.metrics} sync={model.id} />;
    case 'data':
      return <Data node={node} model={model} />;
    case 'events':
      return <Events key={node.id} model={model.events} />;
    case 'spec':
      return <Spec key={node.id} model={model.spec} />;
  }
}

export function Inspector({ model }: { readonly model: RunViewModel }): JSX.Element {
  const { board, trans } = useServices();
  useSignal(model.changed);
  const { run, node } = model;
  if (!run) {
    const gone = board.runs.unknown(model.id) || isPlannedId(model.id);
    return gone ? (
      <EmptyState title={trans.__('This run is gone')}>
        <p>{trans.__('Neither Argo nor the list of Vertex jobs has it any more.')}</p>
      </EmptyState>
    ) : (
      <EmptyState title={trans.__('Asking for the run')} />
    );
  }
  return (
    <>
      {node && <NodeHead run={run} node={node} />}
      <TabBar model={model} />
      <div className="jp-argovx-tabbody" role="tabpanel">
        <TabContent model={model} node={node} />
      </div>
    </>
  );
}
