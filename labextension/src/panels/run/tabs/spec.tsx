/**
 * A step as it was submitted: image, machine, who and as whom, every argument, the document itself.
 */
import { copyIcon } from '@jupyterlab/ui-components';
import { useState, type JSX } from 'react';

import type { StepDocument } from '../../../api/schema';
import { useServices } from '../../../components/context';
import { EmptyState, ErrorBox } from '../../../components/parts';
import { useSignal } from '../../../hooks';
import type { DetailModel } from '../../../model/detail';
import { machineOf } from '../../../model/machine';

/** Arguments that the first table names in words; the rest follows as it is. */
const NAMED = ['image', 'run-as', 'spec-digest', 'spec', 'inputs'];

type Pair = readonly [name: string, value: string];

function Copied({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  const [done, setDone] = useState(false);
  return (
    <button
      type="button"
      className="jp-argovx-linklike"
      aria-label={label}
      title={label}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true))}
    >
      {done ? '✓' : <copyIcon.react tag="span" width="14px" height="14px" />}
    </button>
  );
}

function Rows({ rows }: { readonly rows: readonly Pair[] }): JSX.Element {
  const { trans } = useServices();
  return (
    <dl className="jp-argovx-facts jp-argovx-spec">
      {rows
        .filter(([, value]) => value !== '')
        .map(([name, value]) => (
          <div key={name} data-argovx-spec={name}>
            <dt>{name}</dt>
            <dd>
              <code>{value}</code>
            </dd>
            <Copied text={value} label={trans.__('Copy %1', name)} />
          </div>
        ))}
    </dl>
  );
}

/** JSON on several lines where it is JSON. */
function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Block({ title, text }: { readonly title: string; readonly text: string }): JSX.Element | null {
  const { trans } = useServices();
  return text && text !== '{}' ? (
    <section>
      <h3 className="jp-argovx-blockhead">
        {title}
        <Copied text={text} label={trans.__('Copy %1', title)} />
      </h3>
      <pre className="jp-argovx-traceback" tabIndex={0} aria-label={title}>
        {text}
      </pre>
    </section>
  ) : null;
}

function Body({ spec }: { readonly spec: StepDocument }): JSX.Element {
  const { trans } = useServices();
  const given = spec.arguments;
  const head: readonly Pair[] = [
    [trans.__('Image'), given.image ?? ''],
    [trans.__('Machine'), machineOf(given)],
    [trans.__('Submitter'), spec.submitter],
    [trans.__('Created by'), spec.creator],
    [trans.__('Pod runs as'), spec.service_account],
    [trans.__('Job runs as'), given['run-as'] ?? ''],
    [trans.__('Spec digest'), given['spec-digest'] ?? ''],
    [trans.__('Policy'), spec.policy],
    [trans.__('Workflow'), spec.workflow],
    [trans.__('Workflow UID'), spec.workflow_uid],
    [trans.__('Namespace'), spec.namespace],
    [trans.__('Created'), spec.created_at ?? ''],
    [trans.__('Document'), given.spec ?? '']
  ];
  const rest = Object.entries(given).filter(([name]) => !NAMED.includes(name));
  return (
    <>
      <Rows rows={head} />
      {rest.length > 0 && (
        <section>
          <h3>{trans.__('Arguments')}</h3>
          <Rows rows={rest} />
        </section>
      )}
      <Block title={trans.__('Inputs')} text={readable(given.inputs ?? '')} />
      {spec.problem && <ErrorBox error={{ message: spec.problem, hint: '' }} />}
      <Block
        title={spec.workflow ? trans.__('Step document') : trans.__('Custom job')}
        text={spec.document}
      />
    </>
  );
}

export function Spec({ model }: { readonly model: DetailModel<StepDocument> }): JSX.Element {
  const { trans } = useServices();
  useSignal(model.changed);
  const { value, error } = model;
  return (
    <div className="jp-argovx-tab">
      {error && <ErrorBox error={error} />}
      {!value && !error && <EmptyState title={trans.__('Asking for the spec')} />}
      {value && <Body spec={value} />}
    </div>
  );
}
