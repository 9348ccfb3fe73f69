/**
 * The client and the models: what every other plugin of ours stands on.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { ArgovxClient } from '../api/client';
import { RunStream } from '../api/stream';
import { RunsModel } from '../model/runs';
import { IArgovxClient, IRunsModel } from '../tokens';

const client: JupyterFrontEndPlugin<IArgovxClient> = {
  id: 'argovx-lab:client',
  description: 'Requests to the server extension of argovx-lab.',
  autoStart: true,
  provides: IArgovxClient,
  activate: (app: JupyterFrontEnd) => new ArgovxClient(app.serviceManager.serverSettings)
};

const runs: JupyterFrontEndPlugin<IRunsModel> = {
  id: 'argovx-lab:runs',
  description: 'Live runs, merged from Argo, Vertex and the bucket.',
  autoStart: true,
  provides: IRunsModel,
  activate: (app: JupyterFrontEnd) => {
    const requests = new ArgovxClient(app.serviceManager.serverSettings);
    const stream = new RunStream({
      openStream: since => requests.openStream(since),
      changes: since => requests.changes(since),
      now: () => Date.now(),
      later: (callback, ms) => {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
      random: () => Math.random()
    });
    document.addEventListener('visibilitychange', () => stream.visibility(document.hidden));
    const model = new RunsModel(requests, stream);
    void model.refresh();
    return model;
  }
};

export const core = [client, runs];
