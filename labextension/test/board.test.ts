import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Signal } from '@lumino/signaling';

import { RunStream } from '../src/api/stream.ts';
import { Board } from '../src/model/board.ts';
import { PlanModel, REST_MS } from '../src/model/plan.ts';
import { RunsModel } from '../src/model/runs.ts';
import type { IArgovxClient, IPlan } from '../src/tokens.ts';
import { node, run } from './make.ts';

const PLAN: IPlan = {
  nodes: [node('a', { phase: 'Planned' }), node('b', { phase: 'Planned' })],
  edges: [],
  problems: [],
  stale: {}
};

/** A client that answers from what a test put there, and counts the questions. */
class Client implements IArgovxClient {
  known = new Map([['r', run('r', [node('a')], { notebook: 'n.ipynb' })]]);
  asked: string[] = [];
  plans: unknown[] = [];
  runs = (): ReturnType<IArgovxClient['runs']> =>
    Promise.resolve({
      runs: [...this.known.values()].map(item => ({ ...item, nodes: [] })),
      profile: 'sandbox',
      principal: null,
      remote: { live: true, staleS: 0, message: '', hint: '' }
    });
  run = (id: string): ReturnType<IArgovxClient['run']> => {
    this.asked.push(id);
    const found = this.known.get(id);
    return found ? Promise.resolve(found) : Promise.reject(new Error('no'));
  };
  plan = (_: string, content: unknown): Promise<IPlan> => {
    this.plans.push(content);
    return Promise.resolve(PLAN);
  };
  private readonly _no = (): Promise<never> => Promise.reject(new Error('not asked here'));
  logs = this._no;
  metrics = this._no;
  events = this._no;
  spec = this._no;
  lineage = this._no;
  identity = this._no;
  stopRun = this._no;
  stopStep = this._no;
  retryStep = this._no;
}

function world(): { client: Client; board: Board; runs: RunsModel; dispose: () => void } {
  const client = new Client();
  const silent = { onopen: null, onmessage: null, onclose: null, onerror: null, close: () => undefined };
  const stream = new RunStream({
    openStream: () => silent,
    changes: () => new Promise(() => undefined),
    now: () => 0,
    later: () => () => undefined,
    random: () => 0
  });
  const runs = new RunsModel(client, stream);
  const board = new Board(runs, new PlanModel(client));
  return {
    client,
    board,
    runs,
    dispose: () => {
      board.plan.dispose();
      board.dispose();
      runs.dispose();
      Signal.clearData(board);
    }
  };
}

/** Resolves when the plan was told. */
function planned(board: Board): Promise<void> {
  return new Promise(resolve => {
    const told = (): void => {
      if (board.plan.of('n.ipynb')) {
        board.changed.disconnect(told);
        resolve();
      }
    };
    board.changed.connect(told);
  });
}

test('a notebook without a run shows its plan, and the plan becomes its run', async () => {
  const { client, board, runs, dispose } = world();
  const later = client.known;
  client.known = new Map();
  await runs.refresh();
  const told = planned(board);
  board.plan.follow({ path: 'n.ipynb', content: () => ({}) });
  await told;
  assert.deepEqual(
    board.list.map(item => item.id),
    ['plan:n.ipynb']
  );
  board.select('plan:n.ipynb', 'a');
  client.known = later;
  await runs.refresh();
  await runs.load('r');
  assert.deepEqual(
    board.list.map(item => [item.id, item.nodes.map(each => each.phase)]),
    [['r', ['Running', 'Planned']]]
  );
  assert.deepEqual(board.selection, { run: 'r', node: 'a' });
  dispose();
});

test('nodes are fetched once, however many views ask', async () => {
  const { client, runs, dispose } = world();
  await runs.refresh();
  assert.equal(runs.loaded('r'), false);
  await Promise.all([runs.load('r'), runs.load('r')]);
  await runs.load('r');
  assert.deepEqual(client.asked, ['r']);
  dispose();
});

test('typing is waited for: one question when the text rests', async () => {
  const { client, board, dispose } = world();
  const told = planned(board);
  let text = 0;
  board.plan.follow({ path: 'n.ipynb', content: () => ++text });
  board.plan.touch();
  board.plan.touch();
  board.plan.touch(REST_MS / 10);
  await told;
  assert.deepEqual(client.plans, [1]);
  dispose();
});
