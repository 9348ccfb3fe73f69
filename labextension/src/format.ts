/**
 * Numbers and times as people read them: pure functions, one spelling everywhere.
 */
import type { Node, Run } from './api/schema';
import type { IConnection } from './tokens';

function two(n: number): string {
  return String(n).padStart(2, '0');
}

/** Elapsed time: `4:02`, `1:04:02`. Negative times read as zero. Unit of the argument: seconds. */
export function elapsed(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const [h, m] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60)];
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** Seconds from one RFC 3339 time to another (or to `now`, in milliseconds); `null` without a start. */
export function secondsBetween(from: string | null, to: string | null, now: number): number | null {
  if (!from) {
    return null;
  }
  const end = to ? Date.parse(to) : now;
  const seconds = (end - Date.parse(from)) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

/** When the first thing happened to a node. */
export function startOf(node: Node): string | null {
  const { queued_at, provisioning_at, running_at, uploading_at } = node.times;
  return queued_at ?? provisioning_at ?? running_at ?? uploading_at;
}

export function nodeSeconds(node: Node, now: number): number | null {
  return secondsBetween(startOf(node), node.times.finished_at, now);
}

export function runSeconds(run: Run, now: number): number | null {
  return secondsBetween(run.created_at, run.finished_at, now);
}

/** Sizes in powers of 1000, as storage is billed: `12 KB`, `1.2 GB`. */
export function bytes(n: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = n;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1).replace(/\.0$/, '')} ${units[unit]}`;
}

/** A metric: four significant digits, exponents only where they are needed. */
export function metric(value: number): string {
  if (!Number.isFinite(value)) {
    return String(value);
  }
  if (Number.isInteger(value) && Math.abs(value) < 1e9) {
    return String(value);
  }
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(4)));
}

/** The head of a digest, as it is shown beside a value. */
export function shortDigest(digest: string): string {
  const hex = digest.replace(/^sha256:/, '');
  return hex ? `${hex.slice(0, 4)}…` : '';
}

/** Names up to this length are never cut. Unit: characters. */
const WHOLE_MAX = 12;
/** How much of a long name's end stays in sight. Unit: characters. */
const TAIL = 6;

/**
 * The two pieces of a name that is cut in its middle where room is short: the first gives way (by
 * CSS), the second stays.
 */
export function splitMiddle(text: string): readonly [head: string, tail: string] {
  const letters = Array.from(text); // a pair of surrogates is one letter
  return letters.length <= WHOLE_MAX
    ? [text, '']
    : [letters.slice(0, -TAIL).join(''), letters.slice(-TAIL).join('')];
}

/** A name with its middle left out, for labels that JupyterLab draws and cuts at their end. */
export function cutMiddle(text: string, most: number): string {
  const letters = Array.from(text);
  const head = Math.ceil((most - 1) / 2);
  return letters.length <= most
    ? text
    : `${letters.slice(0, head).join('')}…${letters.slice(letters.length - (most - 1 - head)).join('')}`;
}

/**
 * The second line of a step with what only a clock, a time zone and the open notebook know: when it was
 * stopped or made, and why its result is stale.
 */
export function lineOf(node: Node, now: number): string {
  const moment = node.stop?.at ?? node.cached?.at;
  const at = moment ? when(moment, now) : '';
  const said = [node.line, at].filter(Boolean).join(', ');
  return node.stale.length > 0 ? `stale: ${node.stale.join(', ')}${said ? ` · ${said}` : ''}` : said;
}

/** A local time, short: today's as `14:02`, yesterday's with the word, older ones with the date. */
export function when(at: string, now: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) {
    return '';
  }
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const day = (time: Date): number => new Date(time).setHours(0, 0, 0, 0);
  const days = Math.round((day(new Date(now)) - day(date)) / 86_400_000);
  if (days === 0) {
    return clock;
  }
  if (days === 1) {
    return `yesterday ${clock}`;
  }
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The connection in words: live, reconnecting, as of 12 s ago. */
export function connectionWords(connection: IConnection, now: number): string {
  const ago = connection.heardAt > 0 ? `as of ${age((now - connection.heardAt) / 1000)} ago` : '';
  switch (connection.state) {
    case 'live':
      return connection.polling ? 'live, polling' : 'live';
    case 'connecting':
      return 'connecting';
    case 'reconnecting':
      return ago ? `${ago}, reconnecting` : 'reconnecting';
    case 'paused':
      return ago ? `${ago}, paused` : 'paused';
    case 'absent':
      return 'server part missing';
    case 'refused':
      return 'not signed in';
  }
}

/** A local time of day to the second, for lists of events. */
export function clock(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime())
    ? ''
    : `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A rough age: `12 s`, `4 min`, `3 h`, `2 days`. */
export function age(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 90) {
    return `${s} s`;
  }
  if (s < 5400) {
    return `${Math.round(s / 60)} min`;
  }
  return s < 129_600 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86_400)} days`;
}
