/**
 * The runs of the side bar: a tree that is also the accessible twin of the graph.
 */
import { useEffect, useRef, useState, type JSX } from 'react';

import type { Run } from '../../api/schema';
import { CommandIDs } from '../../commands';
import { useServices } from '../../components/context';
import { CopyLine, EmptyState, ErrorBox } from '../../components/parts';
import { useSignal } from '../../hooks';
import { isPlannedId } from '../../model/reduce';
import { GROUPS, inOrder, type SidebarModel } from './model';
import { RunRow } from './rows';
import { treeMove, type IRow } from './tree';

/** Nothing is what was typed or pressed: what was searched, and the way back to all runs. */
function NoMatch({ model }: { readonly model: SidebarModel }): JSX.Element {
  const { board, trans } = useServices();
  const { query, group } = model;
  const label = GROUPS.find(item => item.id === group)?.label ?? '';
  const title = query
    ? group
      ? trans.__('No run %1 matches “%2”', label, query)
      : trans.__('No run matches “%1”', query)
    : trans.__('No run %1', label);
  const many = trans._n('%1 run', '%1 runs', board.list.length);
  return (
    <EmptyState title={title}>
      {query && <p>{trans.__('Searched: names, notebooks, states and steps of %1.', many)}</p>}
      <button type="button" className="jp-argovx-linklike" onClick={() => model.clear()}>
        {trans.__('Show all runs')}
      </button>
    </EmptyState>
  );
}

/** What the empty list says: the one thing to do. */
function Nothing({ model }: { readonly model: SidebarModel }): JSX.Element | null {
  const { board, trans } = useServices();
  const { connection, error, loading } = board.runs;
  if (connection.state === 'absent') {
    return (
      <EmptyState title={trans.__('The server part of Argo VX is not loaded')}>
        <p>{trans.__('Enable it, then restart JupyterLab:')}</p>
        <CopyLine text="jupyter server extension enable argovx_lab" label={trans.__('Copy')} />
      </EmptyState>
    );
  }
  if (error) {
    return <ErrorBox error={error} />;
  }
  if (loading) {
    return <EmptyState title={trans.__('Asking for runs')} />;
  }
  if (model.query || model.group) {
    return <NoMatch model={model} />;
  }
  return (
    <EmptyState title={trans.__('No runs yet')}>
      <p>{trans.__('In a notebook, type this at the top of a cell and run it:')}</p>
      <CopyLine text={'%load_ext argovx_lab'} label={trans.__('Copy')} />
      <CopyLine text={'%%vertex_step first'} label={trans.__('Copy')} />
    </EmptyState>
  );
}

function rowsOf(runs: readonly Run[], open: (run: Run, i: number) => boolean): readonly IRow[] {
  return runs.flatMap((run, i) => {
    const unfolded = open(run, i);
    const head: IRow = { run: run.id, node: '', open: unfolded };
    const steps = unfolded ? run.nodes.map(node => ({ run: run.id, node: node.id, open: null })) : [];
    return [head, ...steps];
  });
}

/** Says changes of phase aloud, a few at most and not faster than they can be heard. */
function Announcer(): JSX.Element {
  const { board } = useServices();
  useSignal(board.changed);
  const said = useRef(new Map<string, string>());
  const [words, setWords] = useState('');
  const list = board.list;
  useEffect(() => {
    const fresh: string[] = [];
    for (const run of list) {
      for (const node of run.nodes) {
        const key = `${run.id}/${node.id}`;
        const before = said.current.get(key);
        if (before !== undefined && before !== node.phase) {
          fresh.push(`${node.name} ${node.phase}`);
        }
        said.current.set(key, node.phase);
      }
    }
    if (fresh.length > 0) {
      setWords(fresh.slice(0, 3).join(', '));
    }
  }, [list]);
  return (
    <div className="jp-argovx-spoken" aria-live="polite">
      {words}
    </div>
  );
}

export function Body({ model }: { readonly model: SidebarModel }): JSX.Element {
  const { board, commands, trans } = useServices();
  useSignal(board.changed);
  useSignal(board.selectionChanged);
  useSignal(model.changed);
  const host = useRef<HTMLUListElement>(null);
  const [current, setCurrent] = useState({ run: '', node: '' });
  const runs = model.visible(inOrder(board.list, board.front?.id ?? ''));
  const open = (run: Run, i: number): boolean => model.unfolded(run, i === 0);

  const wanted = runs.filter((run, i) => open(run, i) && !isPlannedId(run.id)).map(run => run.id);
  const missing = wanted.filter(id => !board.runs.loaded(id)).join('\n');
  useEffect(() => {
    for (const id of missing ? missing.split('\n') : []) {
      board.runs.load(id).catch(() => undefined); // the list says what is wrong
    }
  }, [board, missing]);

  const rows = rowsOf(runs, open);
  const known = rows.some(row => row.run === current.run && row.node === current.node);
  const at = known ? current : { run: rows[0]?.run ?? '', node: '' };

  const onKeyDown = (event: React.KeyboardEvent): void => {
    if ((event.target as HTMLElement).getAttribute('role') !== 'treeitem') {
      return;
    }
    const place = rows.findIndex(row => row.run === at.run && row.node === at.node);
    const move = treeMove(rows, place, event.key);
    if (!move) {
      return;
    }
    event.preventDefault();
    if (move.kind === 'unfold') {
      model.unfold(move.run, move.open);
    } else if (move.kind === 'open') {
      void commands.execute(CommandIDs.openRun, { run: move.row.run, node: move.row.node });
    } else {
      setCurrent(move.row);
      board.select(move.row.run, move.row.node);
      const node = move.row.node
        ? `[data-argovx-node="${CSS.escape(move.row.node)}"]`
        : ':not([data-argovx-node])';
      host.current
        ?.querySelector<HTMLElement>(`[data-argovx-run="${CSS.escape(move.row.run)}"]${node}`)
        ?.focus();
    }
  };

  if (runs.length === 0) {
    return <Nothing model={model} />;
  }
  const { run: selectedRun, node: selectedNode } = board.selection;
  return (
    <>
      {board.runs.error && <ErrorBox error={board.runs.error} />}
      <ul
        ref={host}
        role="tree"
        className="jp-argovx-tree"
        aria-label={trans.__('Runs and their steps')}
        onKeyDown={onKeyDown}
        onMouseEnter={() => model.hold(true)}
        onMouseLeave={() => model.hold(false)}
      >
        {runs.map((run, i) => (
          <RunRow
            key={run.id}
            run={run}
            open={open(run, i)}
            current={at.run === run.id && at.node === ''}
            currentNode={at.run === run.id && at.node ? at.node : null}
            selected={selectedRun === run.id}
            selectedNode={selectedRun === run.id && selectedNode ? selectedNode : null}
            onToggle={() => model.unfold(run.id, !open(run, i))}
            onFocus={() => setCurrent({ run: run.id, node: '' })}
            onFocusNode={node => setCurrent({ run: run.id, node })}
          />
        ))}
      </ul>
      <Announcer />
    </>
  );
}
