/**
 * The side panel, run and lineage views in the main area, the strip under the cell.
 */
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, MainAreaWidget, showDialog, WidgetTracker } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';

import { addVerbs, CommandIDs, targetFromLink, TARGET_SCHEMA, targetOf } from '../commands';
import type { IViewServices } from '../components/context';
import { identityBody } from '../components/identity';
import { argovxIcon } from '../icons';
import { Board } from '../model/board';
import { Look } from '../model/look';
import { PlanModel } from '../model/plan';
import { LineagePanel } from '../panels/lineage';
import { RunPanel } from '../panels/run';
import { Sidebar } from '../panels/sidebar';
import { stripFactory } from '../strip';
import { IArgovxClient, IBoard, IRunsModel } from '../tokens';

const PALETTE = [
  CommandIDs.showPanel,
  CommandIDs.refresh,
  CommandIDs.whoAmI,
  CommandIDs.openRun,
  CommandIDs.openLineage
];

const board: JupyterFrontEndPlugin<Board> = {
  id: 'argovx-lab:board',
  description: 'Runs as they are shown: planned steps merged in, and one selection.',
  autoStart: true,
  requires: [IArgovxClient, IRunsModel],
  provides: IBoard,
  activate: (_: JupyterFrontEnd, client: IArgovxClient, runs: IRunsModel) =>
    new Board(runs, new PlanModel(client))
};

/** Opens widgets in the main area; in Notebook 7, whose main area holds the notebook, below it. */
class Opener {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _services: IViewServices,
    private readonly _isLab: boolean
  ) {}

  readonly runs = new WidgetTracker<MainAreaWidget<RunPanel>>({ namespace: 'argovx-run' });
  readonly lineages = new WidgetTracker<MainAreaWidget<LineagePanel>>({ namespace: 'argovx-lineage' });

  run(id: string, node: string): RunPanel {
    const { board, trans } = this._services;
    let widget = this.runs.find(item => item.content.model.id === id || item.content.model.run?.id === id);
    if (!widget) {
      widget = new MainAreaWidget({ content: new RunPanel(this._services, id) });
      widget.id = `argovx-run-${id}`;
      this._title(widget, board.get(id)?.name ?? id, trans.__('Run %1', id));
      this._add(widget);
      void this.runs.add(widget);
    }
    if (board.selection.run !== id || node) {
      board.select(id, node);
    }
    this._app.shell.activateById(widget.id);
    return widget.content;
  }

  lineage(id: string, node: string): void {
    const { board, trans } = this._services;
    const same = (item: MainAreaWidget<LineagePanel>): boolean =>
      item.content.model.run === id && item.content.model.node === node;
    let widget = this.lineages.find(same);
    if (!widget) {
      widget = new MainAreaWidget({ content: new LineagePanel(this._services, id, node) });
      widget.id = `argovx-lineage-${id}-${node}`;
      const name = (board.node(id, node)?.name ?? node) || (board.get(id)?.name ?? id);
      this._title(widget, trans.__('Lineage of %1', name), trans.__('Lineage of %1', name));
      this._add(widget);
      void this.lineages.add(widget);
    }
    this._app.shell.activateById(widget.id);
  }

  private _title(widget: Widget, label: string, caption: string): void {
    widget.title.label = label;
    widget.title.caption = caption;
    widget.title.icon = argovxIcon;
    widget.title.closable = true;
  }

  private _add(widget: MainAreaWidget): void {
    if (!this._isLab) {
      widget.content.addClass('jp-argovx-below');
    }
    this._app.shell.add(widget, this._isLab ? 'main' : 'down', { type: 'Argo VX' });
  }
}

function restore(opener: Opener, restorer: ILayoutRestorer): void {
  void restorer.restore(opener.runs, {
    command: CommandIDs.openRun,
    args: widget => ({ run: widget.content.model.id }),
    name: widget => widget.content.model.id
  });
  void restorer.restore(opener.lineages, {
    command: CommandIDs.openLineage,
    args: widget => ({ run: widget.content.model.run, node: widget.content.model.node }),
    name: widget => `${widget.content.model.run}/${widget.content.model.node}`
  });
}

function addOpeners(app: JupyterFrontEnd, opener: Opener, services: IViewServices): void {
  const { board: shown, trans, client } = services;
  const add = app.commands.addCommand.bind(app.commands);
  const describedBy = { args: TARGET_SCHEMA };
  const chosen = (args: Parameters<typeof targetOf>[2]): boolean => targetOf(app, shown, args).run !== '';
  add(CommandIDs.openRun, {
    label: trans.__('Open'),
    caption: trans.__('Open the graph of the run'),
    icon: args => (args.isPalette ? undefined : argovxIcon),
    describedBy,
    isEnabled: chosen,
    execute: args => {
      const target = targetOf(app, shown, args);
      opener.run(target.run, target.node);
    }
  });
  add(CommandIDs.openLogs, {
    label: trans.__('Logs'),
    caption: trans.__('Open the log of the step'),
    describedBy,
    isEnabled: chosen,
    execute: args => {
      const target = targetOf(app, shown, args);
      opener.run(target.run, target.node).model.tab = 'logs';
    }
  });
  add(CommandIDs.openLineage, {
    label: trans.__('Lineage'),
    caption: trans.__('Open where the values come from and who used them'),
    describedBy,
    isEnabled: chosen,
    execute: args => {
      const target = targetOf(app, shown, args);
      opener.lineage(target.run, target.node);
    }
  });
  add(CommandIDs.whoAmI, {
    label: trans.__('Who am I'),
    caption: trans.__('Show the identities that Argo and Google see'),
    describedBy: { args: { type: 'object', properties: {} } },
    execute: async () => {
      const body = identityBody(await client.identity(), trans);
      const buttons = [Dialog.okButton({ label: trans.__('Close') })];
      await showDialog({ title: trans.__('Who am I'), body, buttons });
    }
  });
}

function follow(settings: ISettingRegistry.ISettings, look: Look): void {
  const read = (): void => {
    look.direction = settings.composite.graphDirection === 'right' ? 'right' : 'down';
  };
  settings.changed.connect(read);
  read();
}

const panel: JupyterFrontEndPlugin<void> = {
  id: 'argovx-lab:plugin',
  description: 'Side panel, run and lineage views, the strip under the cell, and the commands.',
  autoStart: true,
  requires: [IArgovxClient, IBoard, IRenderMimeRegistry],
  optional: [ILabShell, ILayoutRestorer, ICommandPalette, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    client: IArgovxClient,
    shown: Board,
    rendermime: IRenderMimeRegistry,
    shell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    settings: ISettingRegistry | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('argovx_lab');
    const look = new Look();
    const services = { board: shown, client, commands: app.commands, look, trans };
    const opener = new Opener(app, services, shell !== null);
    const sidebar = new Sidebar(services);
    app.shell.add(sidebar, 'left', { rank: 700, type: 'Argo VX' });
    addVerbs(app, shown, trans);
    addOpeners(app, opener, services);
    app.commands.addCommand(CommandIDs.showPanel, {
      label: trans.__('Argo VX: show runs'),
      caption: trans.__('Show the side panel with runs, graphs and lineage'),
      describedBy: { args: { type: 'object', properties: {} } },
      icon: argovxIcon,
      execute: () => app.shell.activateById(sidebar.id)
    });
    rendermime.addFactory(stripFactory(services));
    for (const command of PALETTE) {
      palette?.addItem({ command, category: 'Argo VX', args: { isPalette: true } });
    }
    if (restorer) {
      restorer.add(sidebar, sidebar.id);
      restore(opener, restorer);
    }
    const link = targetFromLink(window.location.search);
    if (link) {
      void app.restored.then(() => opener.run(link.run, link.node));
    }
    // The schema carries menus, toolbars and shortcuts; loading it puts them in place.
    settings?.load('argovx-lab:plugin').then(
      loaded => follow(loaded, look),
      () => undefined
    );
  }
};

export const panels = [board, panel];
