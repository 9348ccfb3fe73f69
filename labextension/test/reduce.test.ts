import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  applyDelta,
  applyList,
  applySnapshot,
  forgetRevisions,
  newestFirst,
  runOfNotebook,
  sameNotebook,
  withPlan,
  type Entries
} from '../src/model/reduce.ts';
import type { IPlan } from '../src/tokens.ts';
import { delta, node, run } from './make.ts';

const NONE: Entries = new Map();
const TWO = run('r', [node('a', { phase: 'Succeeded' }), node('b')]);

test('a run that is heard of whole is loaded', () => {
  const entries = applyDelta(NONE, delta(TWO));
  assert.equal(entries.get('r')?.loaded, true);
  assert.deepEqual(
    entries.get('r')?.run.nodes.map(item => item.id),
    ['a', 'b']
  );
});

test('a run that is heard of in part is not, until the rest came', () => {
  const part = delta(TWO, { nodes: [node('b')] });
  const entries = applyDelta(NONE, part);
  assert.equal(entries.get('r')?.loaded, false);
  assert.equal(applySnapshot(entries, TWO).get('r')?.loaded, true);
});

test('a change replaces its nodes in place and keeps the others', () => {
  const before = applyDelta(NONE, delta(TWO));
  const now = { ...TWO, revision: 2 };
  const after = applyDelta(before, delta(now, { nodes: [node('a', { phase: 'Failed' })] }));
  assert.deepEqual(
    after.get('r')?.run.nodes.map(item => [item.id, item.phase]),
    [
      ['a', 'Failed'],
      ['b', 'Running']
    ]
  );
});

test('an older revision changes nothing', () => {
  const before = applyDelta(NONE, delta({ ...TWO, revision: 5 }));
  assert.equal(applyDelta(before, delta({ ...TWO, revision: 4 })), before);
  assert.equal(applySnapshot(before, { ...TWO, revision: 4 }), before);
});

test('nodes and runs can go', () => {
  const before = applyDelta(NONE, delta(TWO));
  const without = applyDelta(before, delta({ ...TWO, revision: 2 }, { nodes: [], remove: ['a'] }));
  assert.deepEqual(
    without.get('r')?.run.nodes.map(item => item.id),
    ['b']
  );
  const gone = applyDelta(before, { ...delta(TWO), revision: 0, upsert: null, nodes: [], remove: [] });
  assert.equal(gone.size, 0);
});

test('the list drops what it does not name and keeps nodes that are here', () => {
  const before = applyDelta(applyDelta(NONE, delta(TWO)), delta(run('old', [node('x')])));
  const after = applyList(before, [{ ...TWO, nodes: [] }, run('new')]);
  assert.deepEqual([...after.keys()], ['r', 'new']);
  assert.equal(after.get('r')?.run.nodes.length, 2);
});

test('a head that moved on in the list asks for its nodes again', () => {
  const before = applyDelta(NONE, delta(TWO));
  const after = applyList(before, [{ ...TWO, nodes: [], revision: 9 }]);
  assert.equal(after.get('r')?.loaded, false);
  assert.equal(after.get('r')?.run.nodes.length, 2);
});

test('after a restart of the server lower revisions are believed', () => {
  const before = forgetRevisions(applyDelta(NONE, delta({ ...TWO, revision: 50 })));
  const after = applyDelta(before, delta({ ...TWO, phase: 'Failed', revision: 1 }));
  assert.equal(after.get('r')?.run.phase, 'Failed');
});

test('runs come newest first', () => {
  const at = (id: string, created_at: string | null): [string, { run: typeof TWO; loaded: boolean }] => [
    id,
    { run: { ...TWO, id, created_at }, loaded: true }
  ];
  const order = newestFirst(new Map([at('a', '2026-01-01'), at('b', '2026-01-02'), at('c', null)]));
  assert.deepEqual(
    order.map(item => item.id),
    ['c', 'b', 'a']
  );
});

test('a notebook is the same by its absolute and relative path', () => {
  assert.ok(sameNotebook('/home/ada/work/a.ipynb', 'work/a.ipynb'));
  assert.ok(!sameNotebook('/home/ada/xa.ipynb', 'a.ipynb'));
  assert.ok(!sameNotebook('', ''));
  const exact = run('exact', [], { notebook: 'a.ipynb' });
  const other = run('other', [], { notebook: 'old/a.ipynb' });
  assert.equal(runOfNotebook([other, exact], 'a.ipynb')?.id, 'exact');
});

const PLAN: IPlan = {
  nodes: ['a', 'b', 'c'].map(id =>
    node(id, { phase: 'Planned', cell: { notebook: 'n.ipynb', cell_id: `cell-${id}`, number: 1 } })
  ),
  edges: [
    { source: 'a', target: 'b', names: ['x'] },
    { source: 'b', target: 'c', names: ['y'] }
  ],
  problems: [],
  stale: {}
};

test('planned steps stand beside what runs, in the order of the notebook', () => {
  const shown = withPlan(run('r', [node('b'), node('extra')]), PLAN, 'n.ipynb');
  assert.deepEqual(
    shown?.nodes.map(item => [item.id, item.phase]),
    [
      ['a', 'Planned'],
      ['b', 'Running'],
      ['c', 'Planned'],
      ['extra', 'Running']
    ]
  );
  assert.equal(shown.edges.length, 2);
  assert.equal(shown.nodes[1]?.cell?.cell_id, 'cell-b');
});

test('a notebook without a run is shown as its plan', () => {
  const shown = withPlan(undefined, PLAN, 'folder/n.ipynb');
  assert.deepEqual([shown?.id, shown?.name, shown?.phase], ['plan:folder/n.ipynb', 'n', 'Planned']);
  assert.equal(withPlan(undefined, { ...PLAN, nodes: [] }, 'n.ipynb'), undefined);
});
