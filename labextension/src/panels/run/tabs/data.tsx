/**
 * What went into a step and what came out: names, types, sizes, digests.
 *
 * Two lines a value: sizes and digests stand in columns and stay in sight, however long a name is.
 */
import type { ReactNode, JSX } from 'react';

import type { Input, Node, Output } from '../../../api/schema';
import { useServices } from '../../../components/context';
import { Cut } from '../../../components/cut';
import { bytes, shortDigest } from '../../../format';
import type { RunViewModel } from '../model';

function Digest({ digest }: { readonly digest: string }): JSX.Element | null {
  const { trans } = useServices();
  return digest ? (
    <button
      type="button"
      className="jp-argovx-digest"
      title={trans.__('%1 — copy', digest)}
      onClick={() => void navigator.clipboard.writeText(digest)}
    >
      {shortDigest(digest)}
    </button>
  ) : null;
}

interface IValueProps {
  readonly value: Input | Output;
  readonly children: ReactNode;
}

function Value({ value, children }: IValueProps): JSX.Element {
  const output = 'uri' in value ? value : null;
  return (
    <li data-argovx-output={output?.name} title={output?.uri ? `${output.name}\n${output.uri}` : value.name}>
      <Cut className="jp-argovx-value" text={value.name} title="" />
      <span className="jp-argovx-number">{value.size_bytes ? bytes(value.size_bytes) : ''}</span>
      <span>
        <Digest digest={value.digest} />
      </span>
      <span className="jp-argovx-about">{children}</span>
    </li>
  );
}

function From({ input, model }: { readonly input: Input; readonly model: RunViewModel }): JSX.Element {
  const { trans } = useServices();
  return input.step ? (
    <>
      {trans.__('from')}{' '}
      <button type="button" className="jp-argovx-linklike" onClick={() => model.select(input.step)}>
        <Cut text={input.step} />
      </button>
    </>
  ) : (
    <>{trans.__('from the notebook')}</>
  );
}

export function Data({ node, model }: { readonly node: Node; readonly model: RunViewModel }): JSX.Element {
  const { trans } = useServices();
  return (
    <div className="jp-argovx-tab">
      {node.inputs.length > 0 && (
        <section>
          <h3>{trans.__('In')}</h3>
          <ul className="jp-argovx-values">
            {node.inputs.map(input => (
              <Value key={input.name} value={input}>
                {input.codec && `${input.codec} · `}
                <From input={input} model={model} />
              </Value>
            ))}
          </ul>
        </section>
      )}
      {node.outputs.length > 0 && (
        <section>
          <h3>{trans.__('Out')}</h3>
          <ul className="jp-argovx-values">
            {node.outputs.map(output => (
              <Value key={output.name} value={output}>
                {output.state === 'ready'
                  ? [output.summary, output.codec].filter(Boolean).join(' · ')
                  : output.state === 'left-out'
                    ? trans.__('left out: %1', output.summary)
                    : trans.__('not there yet')}
              </Value>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
