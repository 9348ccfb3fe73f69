/**
 * The head of a lineage view: whose it is, and what the two systems disagree about.
 */
import type { JSX } from 'react';
import { useServices } from '../../components/context';
import { Findings } from '../../components/lineage';
import { EmptyState, ErrorBox } from '../../components/parts';
import { useSignal } from '../../hooks';
import type { LineageViewModel } from './model';

export function Body({ model }: { readonly model: LineageViewModel }): JSX.Element {
  const { board, trans } = useServices();
  useSignal(model.changed);
  const run = board.get(model.run);
  const { lineage, error } = model.lineage;
  return (
    <div className="jp-argovx-lineagehead">
      <div className="jp-argovx-runhead">
        <span className="jp-argovx-title">
          {model.node ? trans.__('Lineage of %1', model.node) : trans.__('Lineage')}
        </span>
        <span className="jp-argovx-line">{run?.name ?? model.run}</span>
        {run?.note && <span className="jp-argovx-note">{run.note}</span>}
      </div>
      {error && <ErrorBox error={error} />}
      {!lineage && !error && <EmptyState title={trans.__('Asking Argo and Vertex')} />}
      {lineage && <Findings findings={lineage.findings} />}
    </div>
  );
}
