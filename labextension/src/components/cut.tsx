/**
 * A name that is cut in its middle where room is short, and whole on hover.
 *
 * The browser cuts: the first piece gives way, the end stays. The whole name is in the document, for
 * screen readers, search and copying.
 */
import type { JSX } from 'react';

import { splitMiddle } from '../format';

const [OUTER, HEAD, TAIL] = ['jp-argovx-cut', 'jp-argovx-cut-head', 'jp-argovx-cut-tail'];

export interface ICutProps {
  readonly text: string;
  readonly className?: string;
  /** What hovering says; the name itself when left out. */
  readonly title?: string;
}

export function Cut({ text, className = '', title = text }: ICutProps): JSX.Element {
  const [head, tail] = splitMiddle(text);
  return (
    <span className={`${OUTER} ${className}`} title={title}>
      <span className={HEAD}>{head}</span>
      {tail && <span className={TAIL}>{tail}</span>}
    </span>
  );
}

/** Put a name into an element that React does not draw. */
export function drawCut(host: HTMLElement, text: string): void {
  const pieces = splitMiddle(text).map((piece, i) => {
    const span = document.createElement('span');
    span.className = i === 0 ? HEAD : TAIL;
    span.textContent = piece;
    return span;
  });
  host.classList.add(OUTER);
  host.replaceChildren(...pieces);
}
