/**
 * Findings first, then who made what out of what: the lineage as a list that a screen reader reads.
 */
import type { JSX } from 'react';
import type { Finding, Lineage, LineageNode } from '../api/schema';
import { shortDigest } from '../format';
import { useSignal } from '../hooks';
import { isPlannedId } from '../model/reduce';
import type { LineageModel } from '../model/lineage';
import { useServices } from './context';
import { Cut } from './cut';
import { EmptyState, ErrorBox } from './parts';

/** The systems that know a thing; the one that does not is named. */
export function SeenIn({ node }: { readonly node: LineageNode }): JSX.Element {
  const { trans } = useServices();
  const missing = ['argo', 'vertex'].filter(system => !node.seen_in.includes(system));
  return (
    <span
      className={`jp-argovx-seen${missing.length > 0 ? ' jp-argovx-partly' : ''}`}
      title={trans.__('Known to: %1', node.seen_in.join(', ') || trans.__('nobody'))}
    >
      {missing.length > 0 ? trans.__('not in %1', missing.map(systemName).join(', ')) : 'Argo + Vertex'}
    </span>
  );
}

export function systemName(system: string): string {
  return system === 'argo' ? 'Argo' : system === 'vertex' ? 'Vertex' : system;
}

export function Findings({ findings }: { readonly findings: readonly Finding[] }): JSX.Element {
  const { trans } = useServices();
  if (findings.length === 0) {
    return <div className="jp-argovx-agree">{trans.__('Argo and Vertex agree.')}</div>;
  }
  return (
    <ul className="jp-argovx-findings" aria-label={trans.__('Findings')}>
      {findings.map(finding => (
        <li key={`${finding.code}${finding.node}${finding.message}`} data-argovx-finding={finding.code}>
          <div>{finding.message}</div>
          {finding.hint && <div className="jp-argovx-error-hint">{finding.hint}</div>}
        </li>
      ))}
    </ul>
  );
}

/** An artifact as one execution calls it. */
interface IValue {
  readonly node: LineageNode;
  readonly name: string;
}

function Value({ node, name }: IValue): JSX.Element {
  return (
    <span
      className="jp-argovx-chip"
      title={[name, node.schema_title, node.uri, node.digest].filter(Boolean).join('\n')}
    >
      <Cut className="jp-argovx-strong" text={name} title="" />
      {node.digest && <code>{shortDigest(node.digest)}</code>}
    </span>
  );
}

/** The neighbours of an execution on one side: equal bytes are one node, called as the execution calls it. */
function around(lineage: Lineage, id: string, side: 'in' | 'out'): readonly IValue[] {
  const nodes = new Map(lineage.nodes.map(node => [node.id, node]));
  return lineage.edges.flatMap(edge => {
    const [mine, other] = side === 'in' ? [edge.target, edge.source] : [edge.source, edge.target];
    const node = mine === id ? nodes.get(other) : undefined;
    return node ? [{ node, name: edge.name || node.name }] : [];
  });
}

function Executions({
  lineage,
  joined
}: {
  readonly lineage: Lineage;
  readonly joined: boolean;
}): JSX.Element {
  const { trans } = useServices();
  const executions = lineage.nodes.filter(node => node.kind === 'execution');
  return (
    <ul className="jp-argovx-executions">
      {executions.map(execution => {
        const ins = around(lineage, execution.id, 'in');
        const outs = around(lineage, execution.id, 'out');
        return (
          <li key={execution.id} data-argovx-execution={execution.step || execution.name}>
            <div className="jp-argovx-execution">
              <Cut className="jp-argovx-strong" text={execution.name} title={execution.id} />
              <span className="jp-argovx-line">{execution.state}</span>
              {joined && <SeenIn node={execution} />}
            </div>
            {ins.length > 0 && (
              <div className="jp-argovx-flow">
                <span>{trans.__('in')}</span>
                {ins.map(({ node, name }) => (
                  <Value key={node.id} node={node} name={name} />
                ))}
              </div>
            )}
            {outs.length > 0 && (
              <div className="jp-argovx-flow">
                <span>{trans.__('out')}</span>
                {outs.map(({ node, name }) => (
                  <Value key={node.id} node={node} name={name} />
                ))}
              </div>
            )}
          </li>
        );
      })}
    </ul>
  );
}

export function LineageList({ model }: { readonly model: LineageModel }): JSX.Element {
  const { trans } = useServices();
  useSignal(model.changed);
  const { lineage, error } = model;
  const joined = lineage?.nodes.some(node => node.seen_in.includes('argo')) ?? true;
  const found = (lineage?.findings.length ?? 0) > 0;
  return (
    <div className="jp-argovx-tab jp-argovx-lineage">
      {error && <ErrorBox error={error} />}
      {!lineage && !error && <EmptyState title={trans.__('Asking Argo and Vertex')} />}
      {lineage && (joined || found) && <Findings findings={lineage.findings} />}
      {lineage && !joined && !found && (
        <div className="jp-argovx-note">
          {trans.__('As Vertex ML Metadata has it; Argo does not know this job.')}
        </div>
      )}
      {lineage && <Executions lineage={lineage} joined={joined || found} />}
    </div>
  );
}

/** The lineage of the selection, or what to select. */
export function SelectedLineage({ model }: { readonly model: LineageModel }): JSX.Element {
  const { board, trans } = useServices();
  useSignal(board.selectionChanged);
  useSignal(board.changed);
  const { run, node } = board.selection;
  if (!run) {
    return <EmptyState title={trans.__('Select a run or a step')} />;
  }
  if (isPlannedId(run) || board.node(run, node)?.phase === 'Planned') {
    return <EmptyState title={trans.__('Not run yet')} />;
  }
  return <LineageList model={model} />;
}
