/**
 * The log as it is written: keeps to the end unless the reader scrolled up.
 */
import { useEffect, useRef, useState, type JSX } from 'react';

import { useServices } from '../../../components/context';
import { ErrorBox } from '../../../components/parts';
import { useSignal } from '../../../hooks';
import type { LogBuffer, LogsModel } from '../../../model/logs';

/** How near to the end counts as the end, in pixels. */
const NEAR_PX = 24;

/** Writes a growing buffer into an element: whole lines are appended once and never touched again. */
class LogWriter {
  constructor(private readonly _host: HTMLElement) {
    this._host.append(this._rest);
  }

  write(buffer: LogBuffer): void {
    const total = buffer.dropped + buffer.lines.length;
    if (buffer !== this._buffer || buffer.dropped !== this._dropped) {
      this._buffer = buffer;
      this._dropped = buffer.dropped;
      this._written = buffer.dropped;
      this._host.replaceChildren(this._rest);
    }
    if (total > this._written) {
      const fresh = buffer.lines.slice(this._written - buffer.dropped);
      this._rest.before(`${fresh.join('\n')}\n`);
      this._written = total;
    }
    this._rest.data = buffer.rest;
  }

  private readonly _rest = document.createTextNode('');
  private _buffer: LogBuffer | null = null;
  private _written = 0;
  private _dropped = 0;
}

export function Logs({ model }: { readonly model: LogsModel }): JSX.Element {
  const { trans } = useServices();
  const version = useSignal(model.changed);
  const host = useRef<HTMLPreElement>(null);
  const writer = useRef<LogWriter | null>(null);
  const [follows, setFollows] = useState(true);
  const [wrap, setWrap] = useState(false);

  useEffect(() => {
    const pre = host.current;
    if (pre) {
      writer.current ??= new LogWriter(pre);
      writer.current.write(model.buffer);
      if (follows) {
        pre.scrollTop = pre.scrollHeight;
      }
    }
  }, [model, version, follows]);

  const onScroll = (): void => {
    const pre = host.current;
    if (pre) {
      setFollows(pre.scrollHeight - pre.scrollTop - pre.clientHeight < NEAR_PX);
    }
  };
  const copy = (): void => void navigator.clipboard.writeText(model.buffer.tail(Infinity).join('\n'));
  const { buffer } = model;
  const empty = buffer.lines.length === 0 && !buffer.rest;
  return (
    <div className="jp-argovx-tab jp-argovx-logs">
      {model.error && <ErrorBox error={model.error} />}
      {(model.truncated || buffer.dropped > 0) && (
        <div className="jp-argovx-note">{trans.__('Earlier lines are in the bucket, under Folder.')}</div>
      )}
      <pre
        ref={host}
        className={wrap ? 'jp-argovx-wrap' : ''}
        data-argovx-logs={model.complete ? 'complete' : 'following'}
        tabIndex={0}
        role="log"
        aria-label={trans.__('Log')}
        onScroll={onScroll}
      />
      <div className="jp-argovx-logfoot">
        <span className="jp-argovx-note">
          {empty
            ? model.complete
              ? trans.__('Nothing was written')
              : trans.__('Waiting for the first line')
            : model.complete
              ? trans._n('%1 line', '%1 lines', buffer.dropped + buffer.lines.length)
              : trans.__('following')}
        </span>
        {!follows && (
          <button type="button" className="jp-argovx-linklike" onClick={() => setFollows(true)}>
            {trans.__('To the end')}
          </button>
        )}
        <label>
          <input type="checkbox" checked={wrap} onChange={event => setWrap(event.target.checked)} />
          {trans.__('Wrap')}
        </label>
        <button type="button" className="jp-argovx-linklike" onClick={copy}>
          {trans.__('Copy')}
        </button>
      </div>
    </div>
  );
}
