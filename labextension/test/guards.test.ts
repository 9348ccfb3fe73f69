import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  readError,
  readFrame,
  readLineage,
  readLogPage,
  readMetricPage,
  readPlan,
  readRunList
} from '../src/api/answers.ts';
import { readNode, readPhase, readRun } from '../src/api/guards.ts';
import { MalformedError } from '../src/api/values.ts';
import { readBundle } from '../src/strip/bundle.ts';

test('a run is read with everything that is left out filled', () => {
  const run = readRun({ id: 'r', nodes: [{ id: 'a', phase: 'Failed' }] });
  assert.equal(run.name, 'r');
  assert.equal(run.nodes[0]?.phase, 'Failed');
  assert.equal(run.nodes[0]?.times.queued_at, null);
  assert.deepEqual(run.nodes[0]?.actions, []);
});

test('what is no document is refused with its name', () => {
  assert.throws(() => readRun(null), MalformedError);
  assert.throws(() => readRun({}), /a run has no id/);
  assert.throws(() => readRun({ id: 'r', nodes: [7] }), /a node is no object/);
  assert.throws(() => readRunList([]), /the list of runs/);
});

test('a phase of a newer server claims nothing', () => {
  assert.equal(readPhase('Levitating'), 'Queued');
  assert.equal(readPhase(undefined), 'Queued');
  assert.equal(readPhase('Waiting for you'), 'Waiting for you');
});

test('progress is within its total, and absent without one', () => {
  assert.deepEqual(readNode({ id: 'a', progress: [9, 4] }).progress, [4, 4]);
  assert.equal(readNode({ id: 'a', progress: [0, 0] }).progress, null);
  assert.equal(readNode({ id: 'a', progress: 'half' }).progress, null);
});

test('metrics that are no numbers are dropped', () => {
  assert.deepEqual(readNode({ id: 'a', metrics: { loss: 0.5, name: 'x' } }).metrics, { loss: 0.5 });
});

test('the list tells how live the remote ends are', () => {
  const list = readRunList({
    runs: [],
    profile: 'sandbox',
    principal: null,
    connection: { live: false, stale_s: 40, message: 'no answer', hint: 'start it' }
  });
  assert.deepEqual(list.remote, { live: false, staleS: 40, message: 'no answer', hint: 'start it' });
  assert.equal(readRunList({}).remote.live, true);
});

test('frames: changes, heartbeats, polls, errors', () => {
  const change = { epoch: 'e', seq: 3, run: 'r', revision: 1, upsert: null, nodes: [], remove: [] };
  assert.equal(readFrame([change, { heartbeat: 1, epoch: 'e', seq: 3 }]).deltas.length, 1);
  assert.deepEqual(readFrame([{ heartbeat: 1, epoch: 'e', seq: 3 }]).place, { epoch: 'e', seq: 3 });
  assert.equal(readFrame({ heartbeat: 1 }).place, null);
  assert.deepEqual(readFrame({ messages: [change], since: 'ab.cd.12' }).place, { epoch: 'ab.cd', seq: 12 });
  assert.equal(readFrame({ error: 'X', message: 'no' }).error?.message, 'no');
  assert.throws(() => readFrame('text'), MalformedError);
});

test('pages of logs and metrics carry their cursor as text', () => {
  assert.deepEqual(readLogPage({ text: 'a', next: 5, complete: true, truncated: false }), {
    text: 'a',
    next: '5',
    complete: true,
    truncated: false
  });
  const page = readMetricPage({
    series: {
      loss: [
        [1, 0.5, 't'],
        [null, 0.4, 't']
      ]
    },
    next: 2
  });
  assert.deepEqual(page.series.loss, [
    [1, 0.5, 't'],
    [null, 0.4, 't']
  ]);
});

test('plan and lineage are read', () => {
  const plan = readPlan({
    nodes: [{ id: 'a' }],
    edges: [],
    problems: [{ cell: 3, message: 'm', hint: 'h' }]
  });
  assert.deepEqual(plan.problems, [{ cell: '3', message: 'm', hint: 'h' }]);
  const lineage = readLineage({
    nodes: [{ id: 'x', kind: 'artifact' }],
    findings: [{ code: 'c', message: 'm' }]
  });
  assert.equal(lineage.nodes[0]?.name, 'x');
  assert.equal(lineage.findings[0]?.hint, '');
});

test('errors have words even without a body', () => {
  assert.equal(readError(null, 0).error, 'unreachable');
  assert.equal(readError({ error: 'PolicyDenied', message: 'no', hint: 'ask' }, 403).hint, 'ask');
  assert.equal(readError('<html>', 502).message, 'HTTP 502');
});

test('a hostile bundle is read as ids or not at all', () => {
  const good = { schema: 1, run: 'r-1', node: 'train', snapshot: { id: 'r-1' } };
  assert.equal(readBundle(good)?.snapshot?.id, 'r-1');
  for (const bad of [
    null,
    'text',
    { ...good, schema: 2 },
    { ...good, run: '../../api/kernels' },
    { ...good, run: 'a/b' },
    { ...good, node: 'x?y=1' },
    { ...good, node: '' },
    { ...good, run: 'r'.repeat(300) }
  ]) {
    assert.equal(readBundle(bad), null);
  }
  assert.equal(readBundle({ ...good, snapshot: 'broken' })?.snapshot, null);
});

test('the experiment of a job and who started a run are read, whatever shape they have', () => {
  const experiment = { name: 'penguins', run: 'a', state: 7, params: { depth: '4', odd: {} } };
  const read = readRun({ id: 'v', source: 'vertex', nodes: [{ id: 'job', experiment }, { id: 'x' }] });
  assert.equal(read.source, 'vertex');
  assert.deepEqual(read.nodes[0]?.experiment, {
    name: 'penguins',
    run: 'a',
    state: '',
    params: { depth: '4', odd: '' }
  });
  assert.equal(read.nodes[1]?.experiment, null);
  assert.equal(readRun({ id: 'r' }).source, 'argo');
});
