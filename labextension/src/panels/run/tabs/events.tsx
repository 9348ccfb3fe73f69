/**
 * What Argo, the launcher, Vertex and the runner said of a step, in the order of time.
 */
import { useState, type JSX } from 'react';

import type { StepEvent, StepEvents } from '../../../api/schema';
import { useServices } from '../../../components/context';
import { EmptyState, ErrorBox } from '../../../components/parts';
import { clock } from '../../../format';
import { useSignal } from '../../../hooks';
import type { DetailModel } from '../../../model/detail';

const SOURCES = ['argo', 'launcher', 'vertex', 'runner'] as const;

const WORDS: Readonly<Record<string, string>> = {
  argo: 'Argo',
  launcher: 'Launcher',
  vertex: 'Vertex',
  runner: 'Runner'
};

function Line({ event, several }: { readonly event: StepEvent; readonly several: boolean }): JSX.Element {
  const { trans } = useServices();
  const attempt = several && event.attempt > 0 ? trans.__('attempt %1', event.attempt) : '';
  return (
    <li data-argovx-event={`${event.source}.${event.method}`}>
      <time className="jp-argovx-time" dateTime={event.at} title={event.at}>
        {clock(event.at)}
      </time>
      <span className="jp-argovx-source" data-source={event.source}>
        {WORDS[event.source] ?? event.source}
      </span>
      <span className="jp-argovx-said">
        <b>{event.method}</b>
        {event.count > 1 && <span className="jp-argovx-count-badge">×{event.count}</span>}
        {attempt && <span className="jp-argovx-line"> {attempt}</span>}
        {event.text && <span className="jp-argovx-eventtext">{event.text}</span>}
      </span>
    </li>
  );
}

/** One button for each speaker that said something; pressed ones alone are shown. */
function Sources(props: {
  readonly events: readonly StepEvent[];
  readonly only: string;
  onOnly(source: string): void;
}): JSX.Element {
  const { trans } = useServices();
  const { events, only, onOnly } = props;
  const known = SOURCES.filter(source => events.some(event => event.source === source));
  return (
    <div className="jp-argovx-sources" role="group" aria-label={trans.__('Filter by speaker')}>
      {known.map(source => (
        <button
          key={source}
          type="button"
          className="jp-argovx-count"
          aria-pressed={only === source}
          onClick={() => onOnly(only === source ? '' : source)}
        >
          {WORDS[source]} {events.filter(event => event.source === source).length}
        </button>
      ))}
    </div>
  );
}

export function Events({ model }: { readonly model: DetailModel<StepEvents> }): JSX.Element {
  const { trans } = useServices();
  useSignal(model.changed);
  const [only, setOnly] = useState('');
  const { value, error } = model;
  const events = value?.events ?? [];
  const several = new Set(events.map(event => event.attempt).filter(attempt => attempt > 0)).size > 1;
  return (
    <div className="jp-argovx-tab">
      {error && <ErrorBox error={error} />}
      {value?.problem && <ErrorBox error={{ message: value.problem, hint: '' }} />}
      {!value && !error && <EmptyState title={trans.__('Asking Argo, Vertex and the bucket')} />}
      {value && events.length === 0 && <EmptyState title={trans.__('Nobody has said anything yet')} />}
      {events.length > 0 && <Sources events={events} only={only} onOnly={setOnly} />}
      <ol className="jp-argovx-events" aria-label={trans.__('Events')}>
        {events
          .filter(event => only === '' || event.source === only)
          .map((event, i) => (
            <Line key={`${i}${event.at}`} event={event} several={several} />
          ))}
      </ol>
    </div>
  );
}
