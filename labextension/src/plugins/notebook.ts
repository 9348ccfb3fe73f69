/**
 * What needs an open notebook: its plan, the marks at its cells, the way from a step to its cell.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { PageConfig } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { ApiError } from '../api/errors';
import { CommandIDs, targetOf } from '../commands';
import type { Board } from '../model/board';
import { hasCell, isNotebook, openablePath, placeOf, showCell } from '../notebook/cells';
import { CellMarks } from '../notebook/marks';
import { IBoard } from '../tokens';

/** Keep the plan of the current notebook fresh. */
function followPlan(tracker: INotebookTracker, board: Board): void {
  let followed: NotebookPanel | null = null;
  const touch = (): void => board.plan.touch();
  const follow = async (panel: NotebookPanel | null): Promise<void> => {
    followed?.content.modelContentChanged.disconnect(touch);
    followed?.context.pathChanged.disconnect(touch);
    followed = panel;
    if (!panel) {
      return; // the last plan stays: a notebook without focus still has its steps
    }
    await panel.context.ready;
    if (followed !== panel || panel.isDisposed) {
      return;
    }
    panel.content.modelContentChanged.connect(touch);
    panel.context.pathChanged.connect(touch);
    board.plan.follow({
      get path() {
        return panel.context.path;
      },
      content: () => panel.content.model?.toJSON() ?? {}
    });
  };
  tracker.currentChanged.connect((_, panel) => void follow(panel));
  void follow(tracker.currentWidget);
}

/** Bring the nodes of the run that an open notebook works on. */
function loadRunOf(board: Board, path: string): void {
  const run = board.ofNotebook(path);
  if (run && board.runs.get(run.id) && !board.runs.loaded(run.id)) {
    board.runs.load(run.id).catch(() => undefined); // the side bar says what is wrong
  }
}

function markCells(app: JupyterFrontEnd, tracker: INotebookTracker, board: Board): void {
  const actions = {
    open: (run: string, node: string): void => void app.commands.execute(CommandIDs.openRun, { run, node })
  };
  const add = (panel: NotebookPanel): void => {
    void panel.context.ready.then(() => {
      if (!panel.isDisposed) {
        new CellMarks(panel, board, actions);
        loadRunOf(board, panel.context.path);
      }
    });
  };
  tracker.forEach(add);
  tracker.widgetAdded.connect((_, panel) => add(panel));
  board.changed.connect(() => tracker.forEach(panel => loadRunOf(board, panel.context.path)));
}

export const notebook: JupyterFrontEndPlugin<void> = {
  id: 'argovx-lab:notebook',
  description: 'Planned steps, cell marks and the way from a step to its cell.',
  autoStart: true,
  requires: [IBoard, INotebookTracker, IDocumentManager],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    board: Board,
    tracker: INotebookTracker,
    documents: IDocumentManager,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('argovx_lab');
    followPlan(tracker, board);
    markCells(app, tracker, board);
    const about = {
      args: {
        type: 'object',
        properties: { run: { type: 'string' }, node: { type: 'string' }, cell: { type: 'string' } }
      }
    } as const;
    const reveal = async (args: ReadonlyPartialJSONObject): Promise<void> => {
      const target = targetOf(app, board, args);
      const run = board.get(target.run);
      const node = board.node(target.run, target.node);
      const place = run && placeOf(run, node, typeof args.cell === 'string' ? args.cell : '');
      if (!place?.notebook) {
        throw new ApiError(refusal(trans.__('the notebook of this step is not known'), ''));
      }
      const open =
        tracker.find(panel => isNotebook(panel, place.notebook)) ??
        tracker.find(panel => hasCell(panel, place)); // renamed since
      const path = openablePath(place.notebook, PageConfig.getOption('serverRoot'));
      const there = open ? true : await isThere(documents, path);
      const panel = open ?? (there ? documents.openOrReveal(path) : undefined);
      if (panel) {
        app.shell.activateById(panel.id);
      }
      if (!(panel instanceof NotebookPanel) || !(await showCell(panel, place))) {
        const hint = trans.__('It was deleted or moved; the step keeps its own copy of the code.');
        throw new ApiError(refusal(trans.__('the cell of %1 is not in %2', target.node, path), hint));
      }
    };
    app.commands.addCommand(CommandIDs.goToCell, {
      label: trans.__('Go to cell'),
      caption: trans.__('Open the notebook at the cell of the step'),
      describedBy: about,
      execute: reveal
    });
    app.commands.addCommand(CommandIDs.runCell, {
      label: trans.__('Run cell and what follows'),
      caption: trans.__('Run the cell as it is now, and the cells below, from the results that are there'),
      describedBy: about,
      execute: async args => {
        await reveal(args);
        await app.commands.execute('notebook:run-all-below');
      }
    });
  }
};

/** Whether a file is there: opening one that is gone would end in a dialog about a 404. */
async function isThere(documents: IDocumentManager, path: string): Promise<boolean> {
  try {
    await documents.services.contents.get(path, { content: false });
    return true;
  } catch {
    return false;
  }
}

function refusal(message: string, hint: string): ApiError['body'] {
  return { error: 'CellNotFound', message, hint, docs: '', status: -1 };
}
