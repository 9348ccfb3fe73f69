/**
 * What every view is handed: the board, the commands and the words.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { createContext, useContext } from 'react';

import type { Board } from '../model/board';
import type { Look } from '../model/look';
import type { IArgovxClient } from '../tokens';

export interface IViewServices {
  readonly board: Board;
  readonly client: IArgovxClient;
  readonly commands: CommandRegistry;
  readonly look: Look;
  readonly trans: TranslationBundle;
}

const Context = createContext<IViewServices | null>(null);

export const ViewProvider = Context.Provider;

export function useServices(): IViewServices {
  const services = useContext(Context);
  if (!services) {
    throw new Error('A view of argovx-lab was drawn outside of its provider.');
  }
  return services;
}
