import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  FAILURES_BEFORE_POLL,
  HIDDEN_MS,
  RunStream,
  SILENCE_MS,
  SOCKET_AGAIN_MS
} from '../src/api/stream.ts';
import { backoff, BACKOFF_MS, type ISocket } from '../src/api/streamHost.ts';
import type { IFrame } from '../src/api/answers.ts';
import type { IApiError, IDelta } from '../src/tokens.ts';
import { delta, node, run } from './make.ts';

class Socket implements ISocket {
  constructor(readonly since: string) {}
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  closed = false;
  close(): void {
    this.closed = true;
  }
  open(): void {
    this.onopen?.({} as never);
  }
  send(value: unknown): void {
    this.onmessage?.({ data: JSON.stringify(value) } as never);
  }
  die(): void {
    this.onclose?.({} as never);
  }
}

/** The world outside: time that is moved by hand, sockets that are kept. */
class World {
  readonly sockets: Socket[] = [];
  readonly polls: { since: string; answer: (frame: IFrame) => void; fail: () => void }[] = [];
  private _now = 1_000_000;
  private _timers: { at: number; callback: () => void }[] = [];
  readonly stream = new RunStream({
    openStream: since => {
      const socket = new Socket(since);
      this.sockets.push(socket);
      return socket;
    },
    changes: since =>
      new Promise<IFrame>((answer, reject) => {
        this.polls.push({ since, answer, fail: () => reject(new Error('no')) });
      }),
    now: () => this._now,
    later: (callback, ms) => {
      const timer = { at: this._now + ms, callback };
      this._timers.push(timer);
      return () => (this._timers = this._timers.filter(item => item !== timer));
    },
    random: () => 1
  });
  readonly got: IDelta[] = [];
  restarts = 0;

  constructor() {
    this.stream.deltas.connect((_, deltas) => this.got.push(...deltas));
    this.stream.restarted.connect(() => {
      this.restarts++;
    });
  }

  get socket(): Socket {
    const socket = this.sockets.at(-1);
    assert.ok(socket);
    return socket;
  }

  pass(ms: number): void {
    this._now += ms;
    for (;;) {
      const due = this._timers.filter(timer => timer.at <= this._now);
      if (due.length === 0) {
        return;
      }
      this._timers = this._timers.filter(timer => !due.includes(timer));
      due.forEach(timer => timer.callback());
    }
  }
}

const RUN = run('r', [node('a')]);

function change(seq: number, epoch = 'e1'): unknown {
  return { ...delta(RUN), seq, epoch };
}

async function settle(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve));
}

test('a new tab asks for everything, a lost one resumes where it was', () => {
  const world = new World();
  world.stream.start();
  assert.equal(world.socket.since, '');
  world.socket.open();
  world.socket.send([change(7)]);
  world.socket.die();
  assert.equal(world.stream.connection.state, 'reconnecting');
  world.pass(BACKOFF_MS.first);
  assert.equal(world.socket.since, 'e1.7');
  assert.equal(world.sockets.length, 2);
});

test('what was heard twice is told once', () => {
  const world = new World();
  world.stream.start();
  world.socket.open();
  world.socket.send([change(1), change(2)]);
  world.socket.send([change(1), change(3)]);
  assert.deepEqual(
    world.got.map(item => item.seq),
    [1, 2, 3]
  );
});

test('a snapshot of several runs under one number is told whole', () => {
  const world = new World();
  world.stream.start();
  world.socket.open();
  world.socket.send([change(5), change(5), change(5)]);
  assert.equal(world.got.length, 3);
});

test('being heard again is no news', () => {
  const world = new World();
  let said = 0;
  world.stream.stateChanged.connect(() => {
    said++;
  });
  world.stream.start();
  world.socket.open();
  world.socket.send([change(1)]);
  world.pass(1000);
  world.socket.send([change(2)]);
  assert.equal(said, 1);
  assert.equal(world.stream.connection.heardAt, 1_001_000);
});

test('another epoch is a restart, the first one is not', () => {
  const world = new World();
  world.stream.start();
  world.socket.open();
  world.socket.send([change(9)]);
  assert.equal(world.restarts, 0);
  world.socket.send([change(1, 'e2')]);
  assert.equal(world.restarts, 1);
  assert.equal(world.stream.cursor, 'e2.1');
});

test('a heartbeat alone gives a cursor and keeps it live', () => {
  const world = new World();
  world.stream.start();
  world.socket.open();
  world.socket.send([{ heartbeat: 'now', epoch: 'e1', seq: 4 }]);
  assert.equal(world.stream.cursor, 'e1.4');
  world.pass(SILENCE_MS - 1);
  world.socket.send([{ heartbeat: 'now', epoch: 'e1', seq: 4 }]);
  world.pass(SILENCE_MS - 1);
  assert.equal(world.stream.connection.state, 'live');
  assert.equal(world.sockets.length, 1);
});

test('silence is a death, even when the socket does not say so', () => {
  const world = new World();
  world.stream.start();
  world.socket.open();
  const first = world.socket;
  world.pass(SILENCE_MS);
  world.pass(BACKOFF_MS.first);
  assert.ok(first.closed);
  assert.equal(world.sockets.length, 2);
});

test('an unreadable frame begins again from a snapshot', () => {
  const world = new World();
  world.stream.start();
  world.socket.open();
  world.socket.send([change(3)]);
  world.socket.send('no frame');
  assert.equal(world.sockets.length, 2);
  assert.equal(world.socket.since, '');
});

test('an error of the server is told', () => {
  const world = new World();
  const errors: IApiError[] = [];
  world.stream.refused.connect((_, error) => void errors.push(error));
  world.stream.start();
  world.socket.open();
  world.socket.send({ error: 'CredentialError', message: 'no token', hint: 'sign in', docs: '' });
  assert.equal(errors[0]?.message, 'no token');
});

test('after three failures the long poll takes over, and the socket is tried again', async () => {
  const world = new World();
  world.stream.start();
  for (let i = 0; i < FAILURES_BEFORE_POLL; i++) {
    world.socket.die();
    world.pass(BACKOFF_MS.most);
  }
  assert.equal(world.sockets.length, FAILURES_BEFORE_POLL);
  assert.equal(world.polls.length, 1);
  world.polls[0]?.answer({ deltas: [delta(RUN, { seq: 2 })], place: null, error: null });
  await settle();
  assert.deepEqual([world.stream.connection.state, world.stream.connection.polling], ['live', true]);
  assert.equal(world.got.length, 1);
  world.pass(0);
  assert.equal(world.polls[1]?.since, 'e1.2');
  world.pass(SOCKET_AGAIN_MS);
  world.polls[1]?.answer({ deltas: [], place: { epoch: 'e1', seq: 2 }, error: null });
  await settle();
  world.pass(0);
  assert.equal(world.sockets.length, FAILURES_BEFORE_POLL + 1);
  world.socket.open();
  assert.equal(world.stream.connection.polling, false);
});

test('a failing poll waits longer each time', async () => {
  const world = new World();
  world.stream.start();
  for (let i = 0; i < FAILURES_BEFORE_POLL; i++) {
    world.socket.die();
    world.pass(BACKOFF_MS.most);
  }
  world.polls[0]?.fail();
  await settle();
  assert.equal(world.stream.connection.state, 'reconnecting');
  world.pass(10);
  assert.equal(world.polls.length, 1);
  world.pass(BACKOFF_MS.most);
  assert.equal(world.polls.length, 2);
});

test('a hidden tab lets go after a while and resumes when shown', () => {
  const world = new World();
  world.stream.start();
  world.socket.open();
  world.socket.send([change(3)]);
  world.stream.visibility(true);
  world.pass(HIDDEN_MS - 1);
  assert.equal(world.stream.connection.state, 'live');
  world.pass(1);
  assert.equal(world.stream.connection.state, 'paused');
  world.stream.visibility(false);
  assert.equal(world.socket.since, 'e1.3');
});

test('a tab that was hidden for a moment keeps its connection', () => {
  const world = new World();
  world.stream.start();
  world.socket.open();
  world.stream.visibility(true);
  world.stream.visibility(false);
  world.pass(HIDDEN_MS - 1);
  assert.equal(world.sockets.length, 1);
});

test('late events of an old connection are ignored', () => {
  const world = new World();
  world.stream.start();
  const old = world.socket;
  const late = old.onmessage;
  world.socket.open();
  world.socket.die();
  world.pass(BACKOFF_MS.first);
  late?.({ data: JSON.stringify([change(1)]) } as never);
  assert.equal(world.got.length, 0);
});

test('nothing happens after the end', () => {
  const world = new World();
  world.stream.start();
  world.stream.dispose();
  world.pass(SILENCE_MS * 4);
  assert.equal(world.sockets.length, 1);
  assert.ok(world.socket.closed);
});

test('the back-off grows, is bounded and never immediate', () => {
  assert.equal(backoff(1, 0), BACKOFF_MS.first / 2);
  assert.ok(backoff(4, 0.5) > backoff(2, 0.5));
  assert.equal(backoff(50, 1), BACKOFF_MS.most);
});
