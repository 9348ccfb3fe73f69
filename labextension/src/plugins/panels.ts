/**
 * The side panel, the run view, and the commands.
 */
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addVerbs, CommandIDs } from '../commands';
import { Board } from '../model/board';
import { PlanModel } from '../model/plan';
import { Sidebar } from '../panels/sidebar';
import { IArgovxClient, IRunsModel } from '../tokens';

const panel: JupyterFrontEndPlugin<void> = {
  id: 'argovx-lab:plugin',
  description: 'Side panel, run view and commands of argovx-lab.',
  autoStart: true,
  requires: [IArgovxClient, IRunsModel],
  optional: [ILabShell, ILayoutRestorer, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    client: IArgovxClient,
    runs: IRunsModel,
    shell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('argovx_lab');
    const board = new Board(runs, new PlanModel(client));
    const services = { board, client, commands: app.commands, trans };
    addVerbs(app, board, trans);
    const sidebar = new Sidebar(services);
    app.shell.add(sidebar, 'left', { rank: 700, type: 'Argo VX' });
    restorer?.add(sidebar, sidebar.id);
    app.commands.addCommand(CommandIDs.showPanel, {
      label: trans.__('Argo VX: show runs'),
      caption: trans.__('Show the side panel with runs, graphs and lineage'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => app.shell.activateById(sidebar.id)
    });
    palette?.addItem({ command: CommandIDs.showPanel, category: 'Argo VX' });
    void shell;
  }
};

export const panels = [panel];
