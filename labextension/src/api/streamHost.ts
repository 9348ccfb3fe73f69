/**
 * The world outside of the stream: sockets, polls, clocks, and how long to wait before another try.
 */
import type { IFrame } from './answers';

/** First and longest wait before another try, in milliseconds. */
export const BACKOFF_MS = { first: 500, most: 15_000 } as const;

/** The part of a WebSocket that is used. */
export interface ISocket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  close(): void;
}

/** The world outside, so that tests can stand in for it. */
export interface IStreamHost {
  openStream(since: string): ISocket;
  changes(since: string): Promise<IFrame>;
  now(): number;
  /** Call back after a time; returns a function that forgets it. */
  later(callback: () => void, ms: number): () => void;
  random(): number;
}

/** The wait before try `failures`, with full jitter in its upper half, in milliseconds. */
export function backoff(failures: number, random: number): number {
  const most = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** Math.max(0, failures - 1));
  return most / 2 + (most / 2) * random;
}
