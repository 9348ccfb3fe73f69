/**
 * The bundle under a cell, read as hostile: a notebook may come from anywhere.
 *
 * Only the ids of run and node are believed, and only to ask the server. The snapshot is shown as text
 * when the server does not know the run.
 */
import { readRun } from '../api/guards';
import { isDict } from '../api/values';
import type { Run } from '../api/schema';

export const MIME_TYPE = 'application/vnd.argovx.run+json';

/** Longest id that is asked for; those of Argo are shorter. Unit: characters. */
const ID_MAX = 253;

export interface IBundle {
  readonly run: string;
  readonly node: string;
  /** What the notebook remembers; `null` when it cannot be read. */
  readonly snapshot: Run | null;
}

function id(value: unknown): string {
  return typeof value === 'string' && value.length <= ID_MAX && /^[A-Za-z0-9][\w.:-]*$/.test(value)
    ? value
    : '';
}

/** Read a bundle; `null` when it names no run. */
export function readBundle(data: unknown): IBundle | null {
  if (!isDict(data)) {
    return null;
  }
  const [run, node] = [id(data.run), id(data.node)];
  if (!run || !node || data.schema !== 1) {
    return null;
  }
  let snapshot: Run | null = null;
  try {
    snapshot = readRun(data.snapshot);
  } catch {
    snapshot = null;
  }
  return { run, node, snapshot };
}
