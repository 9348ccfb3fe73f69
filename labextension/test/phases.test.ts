import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PHASES } from '../src/api/schema.ts';
import { groupOf, may, PHASE_LOOKS, segments, tally, VERBS } from '../src/model/phases.ts';
import { glyphClass } from '../src/components/glyph.tsx';
import { node, run } from './make.ts';

test('every phase has an icon, a word and a colour', () => {
  assert.deepEqual(Object.keys(PHASE_LOOKS).sort(), [...PHASES].sort());
  assert.ok(PHASES.every(phase => glyphClass(phase, null).includes(`tone-${PHASE_LOOKS[phase].tone}`)));
});

test('phases are told apart without colour', () => {
  const glyphs = PHASES.map(phase => PHASE_LOOKS[phase].glyph);
  assert.equal(new Set(glyphs).size, PHASES.length);
});

test('final, active and neither are told apart', () => {
  const of = (flag: 'final' | 'active'): string[] => PHASES.filter(phase => PHASE_LOOKS[phase][flag]);
  assert.deepEqual(of('final'), ['Succeeded', 'Cached', 'Failed', 'Stopped', 'Skipped']);
  assert.deepEqual(of('active'), ['Queued', 'Provisioning', 'Running', 'Uploading', 'Waiting for you']);
});

test('only Provisioning and Running move', () => {
  const moving = PHASES.filter(phase => glyphClass(phase, null).includes('jp-argovx-turn'));
  assert.deepEqual(moving, ['Provisioning', 'Running']);
  assert.ok(!glyphClass('Running', 0.4).includes('jp-argovx-turn'));
});

test('groups count what is under way, failed and done', () => {
  assert.deepEqual(PHASES.map(groupOf), [
    null,
    'active',
    'active',
    'active',
    'active',
    'done',
    'done',
    'failed',
    'failed',
    'active',
    null
  ]);
});

test('segments come from the nodes, or from the counts while those are not here', () => {
  const nodes = [node('a', { phase: 'Succeeded' }), node('b', { phase: 'Failed' }), node('c')];
  assert.deepEqual(
    segments(run('r', nodes)).map(part => part.phase),
    ['Succeeded', 'Failed', 'Running']
  );
  assert.deepEqual(tally(run('r', nodes)), { done: 2, total: 3 });
  assert.deepEqual(tally(run('r', [], { counts: { Succeeded: 4, Planned: 1 } })), { done: 4, total: 5 });
});

test('verbs are those that the server allows', () => {
  const allowed = node('a', { actions: ['open', 'stop'] });
  assert.deepEqual(
    VERBS.filter(verb => may(allowed, verb)),
    ['open', 'stop']
  );
});
