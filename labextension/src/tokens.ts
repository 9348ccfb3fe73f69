/**
 * The interfaces that plugins, panels and the cell renderer share.
 *
 * Every other file takes its types from here; this one imports types only.
 */
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

import type { Edge, Lineage, Node, Principal, Run, StepDocument, StepEvents } from './api/schema';
import type { Board } from './model/board';

/** How fresh what is on screen is. */
export type ConnectionState = 'connecting' | 'live' | 'reconnecting' | 'paused' | 'absent' | 'refused';

/** The connection to the server extension, in a form that can be put into words. */
export interface IConnection {
  readonly state: ConnectionState;
  /** When the server was last heard, in milliseconds since the epoch; 0 means never. */
  readonly heardAt: number;
  /** True while the long-poll fallback carries the messages. */
  readonly polling: boolean;
}

/** One change of one run, as the stream carries it. */
export interface IDelta {
  readonly epoch: string;
  readonly seq: number;
  readonly run: string;
  readonly revision: number;
  readonly upsert: Run | null;
  readonly nodes: readonly Node[];
  readonly remove: readonly string[];
}

/** The server's own link to Argo and Vertex. */
export interface IRemote {
  readonly live: boolean;
  /** Seconds since the remote ends were last heard. */
  readonly staleS: number;
  /** Why it is not live, and what to do. */
  readonly message: string;
  readonly hint: string;
}

/** The answer to `GET runs`. */
export interface IRunList {
  readonly runs: readonly Run[];
  readonly profile: string;
  readonly principal: Principal | null;
  readonly remote: IRemote;
}

/** A window of a node's log text. */
export interface ILogPage {
  readonly text: string;
  readonly next: string;
  readonly complete: boolean;
  readonly truncated: boolean;
}

/** One logged value: step (or `null`), value, and when. */
export type MetricPoint = readonly [step: number | null, value: number, at: string];

/** New points of every metric of a node. */
export interface IMetricPage {
  readonly series: Readonly<Record<string, readonly MetricPoint[]>>;
  /** Where to ask from next. */
  readonly next: string;
  /** Whether this is everything there is, in the place of what came before. */
  readonly whole: boolean;
}

/** What is wrong with a cell of the notebook, and what to do. */
export interface IProblem {
  readonly cell: string;
  readonly message: string;
  readonly hint: string;
}

/** Steps that the open notebook would run. */
export interface IPlan {
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
  readonly problems: readonly IProblem[];
  /** Step → why its result is not of what stands there now. */
  readonly stale: Readonly<Record<string, readonly string[]>>;
}

/** What the server says when it refuses or fails. */
export interface IApiError {
  readonly error: string;
  readonly message: string;
  readonly hint: string;
  readonly docs: string;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
}

/** Every request to the server extension. Views never use it; models do. */
export interface IArgovxClient {
  runs(): Promise<IRunList>;
  run(id: string): Promise<Run>;
  logs(run: string, node: string, after: string): Promise<ILogPage>;
  metrics(run: string, node: string, after: string): Promise<IMetricPage>;
  events(run: string, node: string): Promise<StepEvents>;
  spec(run: string, node: string): Promise<StepDocument>;
  plan(path: string, content: unknown): Promise<IPlan>;
  lineage(run: string, node?: string): Promise<Lineage>;
  identity(): Promise<Principal>;
  stopRun(run: string): Promise<void>;
  stopStep(run: string, step: string): Promise<void>;
  retryStep(run: string, step: string): Promise<void>;
}

/** All runs that the browser knows: one truth for panels, cell marks and the view under the cell. */
export interface IRunsModel extends IDisposable {
  /** Emitted after any change. */
  readonly changed: ISignal<IRunsModel, void>;
  /** Runs, newest first. */
  readonly runs: readonly Run[];
  readonly profile: string;
  readonly principal: Principal | null;
  readonly connection: IConnection;
  readonly remote: IRemote;
  /** The last failed request that concerns the whole list; `null` when all is well. */
  readonly error: IApiError | null;
  /** True until the first answer came. */
  readonly loading: boolean;
  /** The run with this id, its nodes included once `load` has brought them. */
  get(id: string): Run | undefined;
  /** Whether the nodes of this run are here. */
  loaded(id: string): boolean;
  /** Whether the server said that it does not know this run. */
  unknown(id: string): boolean;
  /** Bring the nodes of a run; cheap when they are here. */
  load(id: string): Promise<void>;
  refresh(): Promise<void>;
  stopRun(run: string): Promise<void>;
  stopStep(run: string, step: string): Promise<void>;
  retryStep(run: string, step: string): Promise<void>;
}

export const IArgovxClient = new Token<IArgovxClient>(
  'argovx-lab:IArgovxClient',
  'Requests to the server extension of argovx-lab.'
);

export const IRunsModel = new Token<IRunsModel>(
  'argovx-lab:IRunsModel',
  'Live runs, merged from Argo, Vertex and the bucket.'
);

export const IBoard = new Token<Board>(
  'argovx-lab:IBoard',
  'Runs as they are shown: with planned steps merged in, and one selection.'
);
