/**
 * The small mark at each step cell: icon and word of its state, kept up to date.
 *
 * Owns one element in the input area of each step cell of one notebook. Adds no widget and changes
 * no model, so that the notebook stays as it is on disk.
 */
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';

import type { Node, Run } from '../api/schema';
import { drawGlyph, share } from '../components/glyph';
import type { Board } from '../model/board';
import { PHASE_LOOKS } from '../model/phases';
import { cellIndex, placeOf } from './cells';

export interface IMarkActions {
  open(run: string, node: string): void;
}

function look(node: Node): string {
  return JSON.stringify([node.phase, node.line, node.progress, node.name, node.stale]);
}

export class CellMarks implements IDisposable {
  constructor(
    private readonly _panel: NotebookPanel,
    private readonly _board: Board,
    private readonly _actions: IMarkActions
  ) {
    _board.changed.connect(this._update, this);
    _panel.content.modelContentChanged.connect(this._update, this);
    _panel.disposed.connect(() => this.dispose());
    this._update();
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      this._board.changed.disconnect(this._update, this);
      this._panel.content.modelContentChanged.disconnect(this._update, this);
      this._marks.forEach(mark => mark.remove());
      this._marks.clear();
    }
  }

  private _update(): void {
    if (this._disposed || this._panel.isDisposed) {
      return;
    }
    const run = this._board.ofNotebook(this._panel.context.path);
    const seen = new Set<string>();
    for (const node of run?.nodes ?? []) {
      if (run && this._mark(run, node)) {
        seen.add(node.id);
      }
    }
    for (const [id, mark] of this._marks) {
      if (!seen.has(id)) {
        mark.remove();
        this._marks.delete(id);
        this._looks.delete(id);
      }
    }
  }

  private _mark(run: Run, node: Node): boolean {
    const index = cellIndex(this._panel, placeOf(run, node));
    const host = this._panel.content.widgets[index]?.node.querySelector(
      '.jp-Cell-inputWrapper .jp-InputArea'
    );
    if (!host) {
      return false;
    }
    let mark = this._marks.get(node.id);
    if (!mark) {
      mark = document.createElement('button');
      mark.type = 'button';
      mark.addEventListener('click', event => {
        event.stopPropagation();
        const { argovxRun = '', argovxNode = '' } = (event.currentTarget as HTMLElement).dataset;
        this._actions.open(argovxRun, argovxNode);
      });
      this._marks.set(node.id, mark);
    }
    if (mark.parentElement !== host) {
      host.append(mark);
    }
    mark.dataset.argovxRun = run.id;
    const now = look(node);
    if (this._looks.get(node.id) !== now) {
      this._looks.set(node.id, now);
      this._draw(mark, node);
    }
    return true;
  }

  private _draw(mark: HTMLButtonElement, node: Node): void {
    mark.className = `jp-argovx-mark jp-argovx-tone-${PHASE_LOOKS[node.phase].tone}`;
    mark.dataset.argovxMark = node.id;
    mark.dataset.argovxNode = node.id;
    mark.dataset.argovxPhase = node.phase;
    mark.dataset.argovxStale = String(node.stale.length > 0);
    mark.title = [node.name, node.phase, node.line, ...node.stale].filter(Boolean).join(' · ');
    mark.setAttribute('aria-label', mark.title);
    const word = document.createElement('span');
    word.textContent = node.stale.length > 0 ? `${node.phase}, stale` : node.phase;
    mark.replaceChildren(drawGlyph(node.phase, share(node.progress)), word);
  }

  private readonly _marks = new Map<string, HTMLButtonElement>();
  private readonly _looks = new Map<string, string>();
  private _disposed = false;
}
