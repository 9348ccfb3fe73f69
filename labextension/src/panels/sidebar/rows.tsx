/**
 * One run of the side bar: its line, the bar of states, its steps and its verbs.
 */
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import { useState, type JSX } from 'react';

import type { Node, Run } from '../../api/schema';
import { CommandIDs } from '../../commands';
import { useServices } from '../../components/context';
import { Cut } from '../../components/cut';
import { PhaseGlyph } from '../../components/glyph';
import { ActionButton, ErrorBox, SegmentBar } from '../../components/parts';
import { elapsed, lineOf, nodeSeconds, runSeconds, when } from '../../format';
import { useNow } from '../../hooks';
import { isActive, isVertexJob, OUTSIDE, tally } from '../../model/phases';
import type { IApiError } from '../../tokens';

export interface IRowState {
  /** The row that takes part in the tab order. */
  readonly current: boolean;
  readonly selected: boolean;
  onFocus(): void;
}

export interface IStepRowProps extends IRowState {
  readonly run: Run;
  readonly node: Node;
}

export function StepRow({ run, node, current, selected, onFocus }: IStepRowProps): JSX.Element {
  const { board, commands } = useServices();
  const now = useNow(isActive(node.phase));
  const seconds = node.phase === 'Planned' ? null : nodeSeconds(node, now);
  const line = lineOf(node, now);
  const open = (): void => void commands.execute(CommandIDs.openRun, { run: run.id, node: node.id });
  return (
    <li
      role="treeitem"
      aria-level={2}
      aria-selected={selected}
      aria-label={[node.name, node.phase, line].filter(Boolean).join(', ')}
      tabIndex={current ? 0 : -1}
      className={`jp-argovx-step${node.phase === 'Planned' ? ' jp-argovx-dim' : ''}`}
      data-argovx-run={run.id}
      data-argovx-node={node.id}
      data-argovx-phase={node.phase}
      data-argovx-stale={String(node.stale.length > 0)}
      title={[node.name, node.phase, line].filter(Boolean).join(' · ')}
      onClick={() => board.select(run.id, node.id)}
      onDoubleClick={open}
      onFocus={onFocus}
    >
      <PhaseGlyph phase={node.phase} progress={node.progress} />
      <Cut className="jp-argovx-name" text={node.name} title="" />
      <span className={`jp-argovx-line${node.phase === 'Failed' ? ' jp-argovx-bad' : ''}`}>
        {line || node.phase}
      </span>
      {seconds !== null && <span className="jp-argovx-time">{elapsed(seconds)}</span>}
    </li>
  );
}

/** What the folded line of a run says at its right: the failure, or when it was. */
function summary(run: Run, now: number): { readonly text: string; readonly bad: boolean } {
  const failed = run.nodes.find(node => node.phase === 'Failed');
  if (run.phase === 'Failed' && failed) {
    return { text: failed.line || failed.message || run.phase, bad: true };
  }
  return { text: run.created_at ? when(run.created_at, now) : run.phase, bad: false };
}

function Figures({ run }: { readonly run: Run }): JSX.Element {
  const { trans } = useServices();
  const now = useNow(isActive(run.phase));
  const { done, total } = tally(run);
  const seconds = runSeconds(run, now);
  return (
    <>
      {!isVertexJob(run) && (
        <span className="jp-argovx-tally" title={trans.__('%1 of %2 steps are done', done, total)}>
          {trans.__('%1/%2 done', done, total)}
        </span>
      )}
      {seconds !== null && (
        <span className="jp-argovx-time" title={run.created_at ?? ''}>
          {elapsed(seconds)}
        </span>
      )}
    </>
  );
}

function RunVerbs({ run }: { readonly run: Run }): JSX.Element {
  const { board, commands, trans } = useServices();
  const [error, setError] = useState<IApiError | null>(null);
  return (
    <li role="none" className="jp-argovx-verbs">
      <ActionButton
        label={trans.__('Open')}
        title={trans.__('Open the graph of %1', run.name)}
        action={() => commands.execute(CommandIDs.openRun, { run: run.id })}
      />
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
      {isVertexJob(run) && <span className="jp-argovx-note">{trans.__(OUTSIDE)}</span>}
      {run.note && <span className="jp-argovx-note">{run.note}</span>}
      {error && <ErrorBox error={error} />}
    </li>
  );
}

export interface IRunRowProps extends IRowState {
  readonly run: Run;
  readonly open: boolean;
  readonly currentNode: string | null;
  readonly selectedNode: string | null;
  onToggle(): void;
  onFocusNode(node: string): void;
}

export function RunRow(props: IRunRowProps): JSX.Element {
  const { run, open, current, selected, onToggle, onFocus } = props;
  const { board, commands, trans } = useServices();
  const now = useNow(false);
  const outside = isVertexJob(run) ? trans.__(OUTSIDE) : '';
  const brief = summary(run, now);
  const Caret = open ? caretDownIcon.react : caretRightIcon.react;
  return (
    <li
      role="treeitem"
      aria-level={1}
      aria-expanded={open}
      aria-selected={selected && !props.selectedNode}
      aria-label={[run.name, run.phase, outside].filter(Boolean).join(', ')}
      tabIndex={current ? 0 : -1}
      className="jp-argovx-run"
      data-argovx-run={run.id}
      data-argovx-phase={run.phase}
      onFocus={event => event.target === event.currentTarget && onFocus()}
    >
      <div
        className="jp-argovx-runline"
        title={[run.name, run.phase, run.notebook, outside].filter(Boolean).join(' · ')}
        onClick={() => board.select(run.id)}
        onDoubleClick={() => void commands.execute(CommandIDs.openRun, { run: run.id })}
      >
        <span
          className="jp-argovx-caret"
          aria-hidden="true"
          onClick={event => {
            event.stopPropagation();
            onToggle();
          }}
        >
          <Caret tag="span" width="16px" height="16px" />
        </span>
        <PhaseGlyph phase={run.phase} />
        <Cut className="jp-argovx-name jp-argovx-runname" text={run.name} title="" />
        {outside && <span className="jp-argovx-profile jp-argovx-outside">Vertex</span>}
        {open ? (
          <Figures run={run} />
        ) : (
          <span className={`jp-argovx-line${brief.bad ? ' jp-argovx-bad' : ''}`}>{brief.text}</span>
        )}
      </div>
      {open && <SegmentBar run={run} />}
      {open && (
        <ul role="group" className="jp-argovx-steps">
          {run.nodes.map(node => (
            <StepRow
              key={node.id}
              run={run}
              node={node}
              current={props.currentNode === node.id}
              selected={props.selectedNode === node.id}
              onFocus={() => props.onFocusNode(node.id)}
            />
          ))}
          <RunVerbs run={run} />
        </ul>
      )}
    </li>
  );
}
