import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readStepDocument, readStepEvents } from '../src/api/detail.ts';
import { MalformedError } from '../src/api/values.ts';
import { DetailModel } from '../src/model/detail.ts';
import { machineOf } from '../src/model/machine.ts';

test('events and specs are read with what is left out filled', () => {
  const said = readStepEvents({ events: [{ at: 't', source: 'argo', method: 'created' }] });
  assert.deepEqual(said.events[0], {
    at: 't',
    source: 'argo',
    method: 'created',
    text: '',
    attempt: 0,
    count: 1
  });
  assert.equal(said.problem, '');
  const spec = readStepDocument({ workflow: 'w', arguments: { image: 'python:3.11', broken: 7 } });
  assert.deepEqual(spec.arguments, { image: 'python:3.11', broken: '' });
  assert.throws(() => readStepEvents({ events: [3] }), MalformedError);
  assert.throws(() => readStepDocument('x'), MalformedError);
});

test('a machine reads as the magic takes it', () => {
  assert.equal(machineOf({ 'machine-type': 'n1-standard-4', accelerator: '' }), 'n1-standard-4');
  const two = { 'machine-type': 'n1-standard-8', accelerator: 'NVIDIA_TESLA_T4', 'accelerator-count': '2' };
  assert.equal(machineOf(two), 'n1-standard-8+NVIDIA_TESLA_T4*2');
  assert.equal(machineOf({}), '');
});

/** Let everything that is ready happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await Promise.resolve();
  }
}

test('a detail is asked for while somebody looks, once when it is final, anew for another execution', async () => {
  (globalThis as { document?: unknown }).document = { hidden: false };
  const asked: string[] = [];
  const model = new DetailModel((run, node) => {
    asked.push(`${run}/${node}`);
    return Promise.resolve({ count: asked.length });
  });
  const target = { run: 'r', node: 'a', execution: 'w1' };
  model.follow(target, { active: false, final: true });
  await settle();
  assert.deepEqual(asked, []);
  model.follow(target, { active: true, final: true });
  await settle();
  model.follow(target, { active: true, final: true });
  await settle();
  assert.deepEqual(asked, ['r/a']);
  assert.deepEqual(model.value, { count: 1 });
  model.follow({ ...target, execution: 'w2' }, { active: true, final: true });
  assert.equal(model.value, null);
  await settle();
  assert.deepEqual(model.value, { count: 2 });
  model.dispose();
});

test('a failure is said, and what was known stays', async () => {
  (globalThis as { document?: unknown }).document = { hidden: false };
  let fails = false;
  const model = new DetailModel(() =>
    fails ? Promise.reject(new Error('gone')) : Promise.resolve({ text: 'x' })
  );
  const target = { run: 'r', node: 'a', execution: 'w' };
  model.follow(target, { active: true, final: true });
  await settle();
  fails = true;
  model.follow(target, { active: false, final: false });
  model.follow(target, { active: true, final: false });
  await settle();
  assert.equal(model.error?.message, 'gone');
  assert.deepEqual(model.value, { text: 'x' });
  model.dispose();
});
