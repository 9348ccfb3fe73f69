/**
 * Names of the commands, and what each does. The order of verbs is the same everywhere:
 * Open, Go to cell, Run cell and what follows, Logs, Retry the same code, Stop, Copy link.
 */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { Node } from './api/schema';
import type { Board } from './model/board';
import { may, type Verb } from './model/phases';

export namespace CommandIDs {
  export const showPanel = 'argovx:show-panel';
  export const openRun = 'argovx:open-run';
  export const goToCell = 'argovx:go-to-cell';
  export const runCell = 'argovx:run-cell';
  export const openLogs = 'argovx:open-logs';
  export const openLineage = 'argovx:open-lineage';
  export const retryStep = 'argovx:retry-step';
  export const stopStep = 'argovx:stop-step';
  export const stopRun = 'argovx:stop-run';
  export const copyLink = 'argovx:copy-link';
  export const refresh = 'argovx:refresh';
  export const whoAmI = 'argovx:who-am-i';
}

/** What a command is about. */
export interface ITarget {
  readonly run: string;
  readonly node: string;
}

/** The arguments of commands about a run or a node, for menus and the command palette. */
export const TARGET_SCHEMA = {
  type: 'object',
  properties: {
    run: { type: 'string', description: 'Id of the run; without it, what was clicked or is selected' },
    node: { type: 'string', description: 'Name of the step' }
  }
} as const;

function word(args: ReadonlyPartialJSONObject, name: string): string {
  const value = args[name];
  return typeof value === 'string' ? value : '';
}

/** The target of a command: its arguments, else what the pointer is on, else the selection. */
export function targetOf(app: JupyterFrontEnd, board: Board, args: ReadonlyPartialJSONObject): ITarget {
  if (args.run) {
    return { run: word(args, 'run'), node: word(args, 'node') };
  }
  const hit = app.contextMenuHitTest(element => element.dataset.argovxRun !== undefined);
  if (hit?.dataset.argovxRun) {
    return { run: hit.dataset.argovxRun, node: hit.dataset.argovxNode ?? '' };
  }
  return board.selection;
}

/** The address that opens a run or node again. */
export function linkTo(target: ITarget, here: Location): string {
  const url = new URL(here.href);
  url.search = '';
  url.hash = '';
  url.searchParams.set('argovx', target.node ? `${target.run}/${target.node}` : target.run);
  return url.href;
}

/** Read such an address; `null` when there is none. */
export function targetFromLink(search: string): ITarget | null {
  const value = new URLSearchParams(search).get('argovx');
  if (!value) {
    return null;
  }
  const [run = '', node = ''] = value.split('/');
  return { run, node };
}

/** Adds the commands that need nothing but the board; panels add those that open them. */
export function addVerbs(app: JupyterFrontEnd, board: Board, trans: TranslationBundle): void {
  const node = (args: ReadonlyPartialJSONObject): Node | undefined => {
    const target = targetOf(app, board, args);
    return board.node(target.run, target.node);
  };
  const allowed = (args: ReadonlyPartialJSONObject, verb: Verb): boolean => {
    const found = node(args);
    return found !== undefined && may(found, verb);
  };
  const add = (id: string, options: CommandRegistry.ICommandOptions): void => {
    app.commands.addCommand(id, { describedBy: { args: TARGET_SCHEMA }, ...options });
  };
  add(CommandIDs.retryStep, {
    label: trans.__('Retry the same code'),
    caption: trans.__('Run the step again with the code and inputs that it had, whatever the cell says now'),
    isEnabled: args => allowed(args, 'retry'),
    execute: args => {
      const target = targetOf(app, board, args);
      return board.runs.retryStep(target.run, target.node);
    }
  });
  add(CommandIDs.stopStep, {
    label: trans.__('Stop'),
    caption: trans.__('Stop the step and its Vertex job'),
    isEnabled: args => allowed(args, 'stop'),
    execute: args => {
      const target = targetOf(app, board, args);
      return board.runs.stopStep(target.run, target.node);
    }
  });
  add(CommandIDs.stopRun, {
    label: trans.__('Stop run'),
    caption: trans.__('Stop every step of the run that is under way'),
    isEnabled: args => board.get(targetOf(app, board, args).run)?.actions.includes('stop') ?? false,
    execute: args => board.runs.stopRun(targetOf(app, board, args).run)
  });
  add(CommandIDs.copyLink, {
    label: trans.__('Copy link'),
    caption: trans.__('Copy the address that opens this again'),
    execute: args => navigator.clipboard.writeText(linkTo(targetOf(app, board, args), window.location))
  });
  add(CommandIDs.refresh, {
    label: trans.__('Refresh runs'),
    caption: trans.__('Ask the server for all runs again'),
    execute: () => board.runs.refresh()
  });
}
