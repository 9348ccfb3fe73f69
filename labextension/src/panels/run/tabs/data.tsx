/**
 * What went into a step and what came out: names, types, sizes, digests.
 */
import type { JSX } from 'react';
import type { Node } from '../../../api/schema';
import { useServices } from '../../../components/context';
import { bytes, shortDigest } from '../../../format';
import type { RunViewModel } from '../model';

interface IDigestProps {
  readonly digest: string;
}

function Digest({ digest }: IDigestProps): JSX.Element {
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
  ) : (
    <></>
  );
}

export function Data({ node, model }: { readonly node: Node; readonly model: RunViewModel }): JSX.Element {
  const { trans } = useServices();
  return (
    <div className="jp-argovx-tab">
      {node.inputs.length > 0 && (
        <section>
          <h3>{trans.__('In')}</h3>
          <table className="jp-argovx-table">
            <tbody>
              {node.inputs.map(input => (
                <tr key={input.name}>
                  <td className="jp-argovx-value">{input.name}</td>
                  <td>{input.codec}</td>
                  <td>
                    {input.step ? (
                      <button
                        type="button"
                        className="jp-argovx-linklike"
                        onClick={() => model.select(input.step)}
                      >
                        {trans.__('from %1', input.step)}
                      </button>
                    ) : (
                      trans.__('from the notebook')
                    )}
                  </td>
                  <td className="jp-argovx-number">{input.size_bytes ? bytes(input.size_bytes) : ''}</td>
                  <td>
                    <Digest digest={input.digest} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {node.outputs.length > 0 && (
        <section>
          <h3>{trans.__('Out')}</h3>
          <table className="jp-argovx-table">
            <tbody>
              {node.outputs.map(output => (
                <tr key={output.name} title={output.uri} data-argovx-output={output.name}>
                  <td className="jp-argovx-value">{output.name}</td>
                  <td>{output.state === 'ready' ? output.codec : ''}</td>
                  <td>{output.state === 'ready' ? output.summary : trans.__('not there yet')}</td>
                  <td className="jp-argovx-number">{output.size_bytes ? bytes(output.size_bytes) : ''}</td>
                  <td>
                    <Digest digest={output.digest} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}
