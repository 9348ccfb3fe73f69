import assert from 'node:assert/strict';
import { test } from 'node:test';

import { marks, place, timelineOf } from '../src/model/timeline.ts';
import { node, run } from './make.ts';

const BEGIN = Date.parse('2026-11-24T08:00:00Z');

/** RFC 3339 of a second of the story. */
function at(second: number): string {
  return new Date(BEGIN + second * 1000).toISOString();
}

function seconds(moment: number): number {
  return (moment - BEGIN) / 1000;
}

const TRAIN = node('train', {
  phase: 'Running',
  times: { queued_at: at(0), provisioning_at: at(2), running_at: at(10) }
});

test('phases follow one another, the last one until now', () => {
  const line = timelineOf(run('r', [TRAIN]), BEGIN + 25_000);
  assert.deepEqual(
    line.rows[0]?.stretches.map(item => [item.name, seconds(item.from), seconds(item.to), item.tone]),
    [
      ['queued', 0, 2, 'quiet'],
      ['provisioning', 2, 10, 'info'],
      ['running', 10, 25, 'brand']
    ]
  );
});

test('what has ended does not grow, and what is planned has no stretch', () => {
  const times = { queued_at: at(0), running_at: at(1), finished_at: at(3) };
  const done = node('done', { phase: 'Succeeded', times });
  const line = timelineOf(run('r', [done, node('next', { phase: 'Planned' })]), BEGIN + 99_000);
  assert.equal(seconds(line.rows[0]?.stretches.at(-1)?.to ?? 0), 3);
  assert.deepEqual(line.rows[1]?.stretches, []);
});

test('no stretch lies behind the end, which Argo counts in whole seconds', () => {
  const times = { queued_at: at(0), running_at: at(1), uploading_at: at(3.7), finished_at: at(3) };
  const line = timelineOf(run('r', [node('done', { phase: 'Succeeded', times })]), BEGIN + 99_000);
  const last = line.rows[0]?.stretches.at(-1);
  assert.deepEqual([last?.name, last?.from, last?.to], ['uploading', BEGIN + 3000, BEGIN + 3000]);
});

test('lost attempts and earlier executions have stretches of their own', () => {
  const tried = node('train', {
    phase: 'Running',
    times: { queued_at: at(20), provisioning_at: at(22), running_at: at(32) },
    attempts: [
      { number: 1, phase: 'Failed', started_at: at(21), finished_at: at(30), message: 'evicted' },
      { number: 2, phase: 'Running', started_at: at(31) }
    ],
    history: [{ workflow: 'w0', phase: 'Failed', created_at: at(0), finished_at: at(9), message: 'KeyError' }]
  });
  const line = timelineOf(run('r', [tried]), BEGIN + 40_000);
  assert.deepEqual(
    line.rows[0]?.stretches.map(item => [item.name, seconds(item.from), seconds(item.to), item.past]),
    [
      ['earlier execution', 0, 9, true],
      ['attempt 1', 21, 30, true],
      ['queued', 31, 31, false],
      ['provisioning', 31, 32, false],
      ['running', 32, 40, false]
    ]
  );
});

test('a long silence is folded, and everything keeps its order on the axis', () => {
  const times = (from: number): object => ({ queued_at: at(from), finished_at: at(from + 10) });
  const early = node('early', { phase: 'Succeeded', times: times(0) });
  const late = node('late', { phase: 'Succeeded', times: times(86_400) });
  const line = timelineOf(run('r', [early, late]), BEGIN + 90_000_000);
  assert.deepEqual(
    line.spans.map(span => span.folded),
    [false, true, false]
  );
  const moments = [0, 5, 10, 40_000, 86_400, 86_405, 86_410];
  const places = moments.map(second => place(line.spans, BEGIN + second * 1000));
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b)
  );
  assert.equal(places[0], 0);
  assert.ok(Math.abs((places.at(-1) ?? 0) - 1) < 1e-9);
  assert.ok((places[2] ?? 0) > 0.4); // ten seconds of a day are most of what is drawn
});

test('a short pause stays as it was', () => {
  const one = node('one', { phase: 'Succeeded', times: { queued_at: at(0), finished_at: at(10) } });
  const two = node('two', { phase: 'Succeeded', times: { queued_at: at(12), finished_at: at(20) } });
  assert.equal(timelineOf(run('r', [one, two]), BEGIN).spans.length, 1);
});

test('marks lie on round distances from the begin, a handful of them', () => {
  const line = timelineOf(run('r', [TRAIN]), BEGIN + 100_000);
  assert.deepEqual(marks(line).map(seconds), [0, 30, 60, 90]);
  assert.deepEqual(marks(timelineOf(run('r', [node('a', { phase: 'Planned' })]), BEGIN)), []);
});
