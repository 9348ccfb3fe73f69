/**
 * The strip under a cell: one line when done; logs, curves and verbs while it runs.
 */
import { useState, type JSX } from 'react';

import type { Node, Output, Run } from '../api/schema';
import { CommandIDs } from '../commands';
import { sparkline } from '../components/spark';
import { useServices } from '../components/context';
import { Cut } from '../components/cut';
import { PhaseGlyph, share } from '../components/glyph';
import { ActionButton, ErrorBox } from '../components/parts';
import { bytes, elapsed, lineOf, metric, nodeSeconds, shortDigest } from '../format';
import { useNow, useSignal } from '../hooks';
import { columns } from '../model/metrics';
import { isActive, may, PHASE_LOOKS, wantsRun } from '../model/phases';
import type { IApiError } from '../tokens';
import type { StripModel } from './model';

/** Log lines that are shown while a step runs. */
const TAIL = 5;
const SPARK = { width: 72, height: 18 } as const;

function Sparks({ model, node }: { readonly model: StripModel; readonly node: Node }): JSX.Element | null {
  const names = Object.keys(node.metrics);
  if (names.length === 0) {
    return null;
  }
  return (
    <div className="jp-argovx-sparks">
      {names.map(name => {
        const [, values] = columns(model.metrics.series.get(name) ?? []);
        return (
          <span key={name} className="jp-argovx-spark" data-argovx-metric={name} title={name}>
            <span className="jp-argovx-name">{name}</span>
            {values.length > 1 && (
              <svg width={SPARK.width} height={SPARK.height} aria-hidden="true">
                <polyline points={sparkline(values, SPARK.width, SPARK.height)} />
              </svg>
            )}
            <b className="jp-argovx-number">{metric(node.metrics[name] ?? NaN)}</b>
          </span>
        );
      })}
    </div>
  );
}

function Chip({ output }: { readonly output: Output }): JSX.Element {
  return (
    <span
      className="jp-argovx-chip"
      data-argovx-output={output.name}
      title={[output.name, output.summary, output.codec, output.digest].filter(Boolean).join(' · ')}
    >
      <Cut className="jp-argovx-strong" text={output.name} title="" />
      <span className="jp-argovx-chiptext">{output.summary}</span>
      <span className="jp-argovx-number">{output.size_bytes ? bytes(output.size_bytes) : ''}</span>
      {output.digest && <code>{shortDigest(output.digest)}</code>}
    </span>
  );
}

function Verbs({ model, run, node }: IPartProps & { readonly model: StripModel }): JSX.Element {
  const { board, commands, trans } = useServices();
  const [error, setError] = useState<IApiError | null>(null);
  return (
    <>
      <span className="jp-argovx-stripverbs">
        {model.live && (
          <ActionButton
            label={trans.__('Open')}
            title={trans.__('Open the graph of this run')}
            action={() => commands.execute(CommandIDs.openRun, { run: run.id, node: node.id })}
            onError={setError}
          />
        )}
        {model.live && wantsRun(node) && (
          <ActionButton
            label={trans.__('Run cell and what follows')}
            title={trans.__(
              'Run the cell as it is now, and the cells below, from the results that are there'
            )}
            action={() => commands.execute(CommandIDs.runCell, { run: run.id, node: node.id })}
            onError={setError}
          />
        )}
        {model.live && may(node, 'retry') && node.phase !== 'Succeeded' && node.phase !== 'Cached' && (
          <ActionButton
            label={trans.__('Retry the same code')}
            title={trans.__('Run it again with the code and inputs that it had, whatever the cell says now')}
            action={() => board.runs.retryStep(run.id, node.id)}
            onError={setError}
          />
        )}
        {model.live && may(node, 'stop') && (
          <ActionButton
            label={trans.__('Stop')}
            title={trans.__('Stop this step and its Vertex job')}
            action={() => board.runs.stopStep(run.id, node.id)}
            onError={setError}
          />
        )}
      </span>
      {error && <ErrorBox error={error} />}
    </>
  );
}

interface IPartProps {
  readonly run: Run;
  readonly node: Node;
}

/** Curves, outputs and the note: below the log while it runs, in the one line when it is done. */
function Results({ model, run, node }: IPartProps & { readonly model: StripModel }): JSX.Element {
  return (
    <>
      <Sparks model={model} node={node} />
      {node.outputs
        .filter(output => output.state === 'ready')
        .map(output => (
          <Chip key={output.name} output={output} />
        ))}
      {run.note && <span className="jp-argovx-note">{run.note}</span>}
    </>
  );
}

export function Strip({ model }: { readonly model: StripModel }): JSX.Element {
  const { trans } = useServices();
  useSignal(model.changed);
  const { run, node } = model;
  const active = node ? isActive(node.phase) && model.live : false;
  const now = useNow(active);
  if (!run || !node) {
    return (
      <div className="jp-argovx-stripline">
        {model.bundle ? trans.__('Asking for the step') : trans.__('This output names no run')}
      </div>
    );
  }
  const seconds = nodeSeconds(node, node.times.finished_at || model.live ? now : 0);
  const done = share(node.progress);
  // The chips name the outputs already.
  const outputs = node.outputs
    .filter(output => output.state !== 'left-out')
    .map(output => output.name)
    .join(', ');
  const line = lineOf(node, now);
  const says = line !== '' && line !== node.phase && (active || line !== outputs);
  const tail = active ? model.logs.buffer.tail(TAIL) : [];
  return (
    <div
      className={`jp-argovx-stripbody jp-argovx-tone-${PHASE_LOOKS[node.phase].tone}`}
      data-argovx-strip={node.id}
      data-argovx-run={run.id}
      data-argovx-node={node.id}
      data-argovx-phase={node.phase}
      data-argovx-live={String(model.live)}
    >
      <div className="jp-argovx-stripline">
        <div className="jp-argovx-stripmain">
          <div className="jp-argovx-striphead">
            <PhaseGlyph phase={node.phase} progress={node.progress} />
            <Cut className="jp-argovx-strong" text={node.name} />
            <span>{node.phase}</span>
            {says && (
              <span className="jp-argovx-line" title={line}>
                {line}
              </span>
            )}
            {seconds !== null && <span className="jp-argovx-time">{elapsed(seconds)}</span>}
          </div>
          {!active && <Results model={model} run={run} node={node} />}
          {!model.live && <span className="jp-argovx-stale">{trans.__('as the notebook remembers it')}</span>}
        </div>
        <Verbs model={model} run={run} node={node} />
      </div>
      {active && done !== null && (
        <div
          className="jp-argovx-progress"
          role="progressbar"
          aria-valuenow={Math.round(done * 100)}
          aria-valuemin={0}
          aria-valuemax={100}
        >
          <div style={{ width: `${done * 100}%` }} />
        </div>
      )}
      {tail.length > 0 && <pre className="jp-argovx-tail">{tail.join('\n')}</pre>}
      {active && (
        <div className="jp-argovx-stripfoot">
          <Results model={model} run={run} node={node} />
        </div>
      )}
    </div>
  );
}
