/**
 * From a step to its cell: find the notebook, open it, make the cell the active one.
 */
import type { NotebookPanel } from '@jupyterlab/notebook';

import type { Node, Run } from '../api/schema';
import { sameNotebook } from '../model/reduce';

/** Where a step was written. */
export interface IPlaceInNotebook {
  readonly notebook: string;
  readonly cellId: string;
  /** Position among the code cells, from 1; 0 when it is not known. */
  readonly number: number;
}

export function placeOf(run: Run, node: Node | undefined, cell = ''): IPlaceInNotebook {
  return {
    notebook: node?.cell?.notebook || run.notebook,
    cellId: cell || node?.cell?.cell_id || '',
    number: node?.cell?.number ?? 0
  };
}

/** A path that the document manager opens: relative to the server's root folder. */
export function openablePath(notebook: string, serverRoot: string): string {
  const root = serverRoot.replace(/\/$/, '');
  return root && notebook.startsWith(`${root}/`) ? notebook.slice(root.length + 1) : notebook;
}

/** Index of the cell in the notebook; -1 when it is gone: where there is an id, only that counts. */
export function cellIndex(panel: NotebookPanel, place: IPlaceInNotebook): number {
  const cells = panel.content.widgets;
  const byId = cells.findIndex(cell => cell.model.id === place.cellId);
  if (byId >= 0 || place.cellId !== '' || place.number === 0) {
    return byId;
  }
  const code = cells.filter(cell => cell.model.type === 'code')[place.number - 1];
  return code ? cells.indexOf(code) : -1;
}

/** Make the cell the active one and bring it into sight; false when it is gone. */
export async function showCell(panel: NotebookPanel, place: IPlaceInNotebook): Promise<boolean> {
  await panel.context.ready;
  await panel.revealed;
  const index = cellIndex(panel, place);
  if (index < 0) {
    return false;
  }
  const { content } = panel;
  content.deselectAll();
  content.activeCellIndex = index;
  content.mode = 'command';
  await content.scrollToItem(index, 'smart');
  panel.activate();
  content.node.focus();
  return true;
}

/** Whether an open notebook has the very cell, whatever it is called by now. */
export function hasCell(panel: NotebookPanel, place: IPlaceInNotebook): boolean {
  return place.cellId !== '' && panel.content.widgets.some(cell => cell.model.id === place.cellId);
}

export function isNotebook(panel: NotebookPanel, notebook: string): boolean {
  return sameNotebook(panel.context.path, notebook);
}
