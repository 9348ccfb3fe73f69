/**
 * Small parts that several views share: segment bar, error box, empty state, verbs.
 */
import { Button } from '@jupyterlab/ui-components';
import { useState, type ReactNode, type JSX } from 'react';

import { toApiError } from '../api/errors';
import type { Run } from '../api/schema';
import { PHASE_LOOKS, segments } from '../model/phases';
import type { IApiError } from '../tokens';

/** A bar of stretches by state; the words are on hover and for screen readers. */
export function SegmentBar({ run }: { readonly run: Run }): JSX.Element | null {
  const parts = segments(run);
  if (parts.length === 0) {
    return null;
  }
  const words = parts.map(part => `${part.count} ${part.phase}`).join(', ');
  return (
    <div className="jp-argovx-bar" role="img" aria-label={words} title={words}>
      {parts.map(part => (
        <span
          key={part.phase}
          className={`jp-argovx-bar-part jp-argovx-tone-${PHASE_LOOKS[part.phase].tone}`}
          data-phase={part.phase}
          style={{ flexGrow: part.count }}
        />
      ))}
    </div>
  );
}

/** What failed and what to do, where it failed. */
export function ErrorBox({ error }: { readonly error: Pick<IApiError, 'message' | 'hint'> }): JSX.Element {
  return (
    <div className="jp-argovx-error" role="alert">
      <div className="jp-argovx-error-message">{error.message}</div>
      {error.hint && <div className="jp-argovx-error-hint">{error.hint}</div>}
    </div>
  );
}

export interface IEmptyStateProps {
  readonly title: string;
  readonly children?: ReactNode;
}

/** An empty view says the one thing to do. */
export function EmptyState({ title, children }: IEmptyStateProps): JSX.Element {
  return (
    <div className="jp-argovx-empty">
      <div className="jp-argovx-empty-title">{title}</div>
      {children}
    </div>
  );
}

/** A command to copy, as a block with its button. */
export function CopyLine({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(() => setCopied(true));
  };
  return (
    <div className="jp-argovx-copyline">
      <code>{text}</code>
      <button type="button" className="jp-argovx-linklike" onClick={copy}>
        {copied ? '✓' : label}
      </button>
    </div>
  );
}

export interface IActionButtonProps {
  readonly label: string;
  readonly title?: string;
  readonly accent?: boolean;
  /** Awaited; its failure is shown under the button by the caller through `onError`. */
  readonly action: () => Promise<unknown>;
  readonly onError?: (error: IApiError | null) => void;
}

/** A button for a verb: busy while it is under way, its error handed to the caller. */
export function ActionButton({ label, title, accent, action, onError }: IActionButtonProps): JSX.Element {
  const [busy, setBusy] = useState(false);
  const act = async (): Promise<void> => {
    setBusy(true);
    onError?.(null);
    try {
      await action();
    } catch (reason) {
      onError?.(toApiError(reason));
    }
    setBusy(false);
  };
  return (
    <Button
      className={`jp-argovx-button${accent ? ' jp-argovx-accent' : ''}`}
      minimal
      small
      disabled={busy}
      title={title ?? label}
      onClick={(event: React.MouseEvent) => {
        event.stopPropagation();
        void act();
      }}
    >
      {label}
    </Button>
  );
}
