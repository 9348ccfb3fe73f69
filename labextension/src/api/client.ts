/**
 * Every request to the server extension, through JupyterLab's own `ServerConnection`.
 *
 * Owns URLs and the mapping of failures to `ApiError`. Refuses to keep state: models do.
 */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { IArgovxClient, ILogPage, IMetricPage, IPlan, IRunList } from '../tokens';
import { ApiError } from './errors';
import {
  readError,
  readFrame,
  readLineage,
  readLogPage,
  readMetricPage,
  readPlan,
  readRunList,
  type IFrame
} from './answers';
import { readPrincipal, readRun } from './guards';
import { isDict } from './values';
import { readStepDocument, readStepEvents } from './detail';
import type { Lineage, Principal, Run, StepDocument, StepEvents } from './schema';

/** Where the server extension answers, below the base URL. */
export const API_PATH = 'argovx/api/v1';

function segment(name: string): string {
  return encodeURIComponent(name);
}

export class ArgovxClient implements IArgovxClient {
  constructor(private readonly _settings = ServerConnection.makeSettings()) {}

  async runs(): Promise<IRunList> {
    return readRunList(await this._get('runs'));
  }

  async run(id: string): Promise<Run> {
    return readRun(await this._get(`runs/${segment(id)}`));
  }

  async logs(run: string, node: string, after: string): Promise<ILogPage> {
    return readLogPage(await this._get(`${this._node(run, node)}/logs`, after ? { after } : {}));
  }

  async metrics(run: string, node: string, after: string): Promise<IMetricPage> {
    return readMetricPage(await this._get(`${this._node(run, node)}/metrics`, after ? { after } : {}));
  }

  async events(run: string, node: string): Promise<StepEvents> {
    return readStepEvents(await this._get(`${this._node(run, node)}/events`));
  }

  async spec(run: string, node: string): Promise<StepDocument> {
    return readStepDocument(await this._get(`${this._node(run, node)}/spec`));
  }

  async plan(path: string, content: unknown): Promise<IPlan> {
    return readPlan(await this._post('plan', { path, content }));
  }

  async lineage(run: string, node?: string): Promise<Lineage> {
    return readLineage(await this._get('lineage', node ? { run, node } : { run }));
  }

  async identity(): Promise<Principal> {
    return readPrincipal(await this._get('identity'));
  }

  async stopRun(run: string): Promise<void> {
    await this._post(`runs/${segment(run)}:stop`, {});
  }

  async stopStep(run: string, step: string): Promise<void> {
    await this._post(`runs/${segment(run)}/steps/${segment(step)}:stop`, {});
  }

  async retryStep(run: string, step: string): Promise<void> {
    await this._post(`runs/${segment(run)}/steps/${segment(step)}:retry`, {});
  }

  /** Changes since a cursor, held open by the server for up to 20 s. */
  async changes(since: string): Promise<IFrame> {
    return readFrame(await this._get('events', since ? { since, wait: '20' } : { wait: '0' }));
  }

  /** Open the stream, from a cursor on when there is one. */
  openStream(since: string): WebSocket {
    const base = URLExt.join(this._settings.wsUrl, API_PATH, 'stream');
    const query: Record<string, string> = since ? { since } : {};
    if (this._settings.appendToken && this._settings.token !== '') {
      query.token = this._settings.token;
    }
    return new this._settings.WebSocket(base + URLExt.objectToQueryString(query));
  }

  private _node(run: string, node: string): string {
    return `runs/${segment(run)}/nodes/${segment(node)}`;
  }

  private _get(path: string, query: Record<string, string> = {}): Promise<unknown> {
    return this._request(path + URLExt.objectToQueryString(query), { method: 'GET' });
  }

  private _post(path: string, body: unknown): Promise<unknown> {
    const headers = { 'Content-Type': 'application/json' };
    return this._request(path, { method: 'POST', body: JSON.stringify(body), headers });
  }

  private async _request(path: string, init: RequestInit): Promise<unknown> {
    const url = `${URLExt.join(this._settings.baseUrl, API_PATH)}/${path}`;
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
    } catch {
      throw new ApiError(readError(null, 0));
    }
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) {
      // Jupyter's own 404 has a message but no error code: it is the sign of a missing extension.
      const ours = isDict(body) && typeof body.error === 'string';
      throw new ApiError(readError(ours ? body : { message: `HTTP ${response.status}` }, response.status));
    }
    return body;
  }
}
