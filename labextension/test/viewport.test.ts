import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cardAt, fit, inSight, reveal, zoomed } from '../src/graph/viewport.ts';

const HOST = { width: 800, height: 600 };
const PLACES = { a: { x: 0, y: 0 }, far: { x: 5000, y: 0 } };

test('a small graph keeps its size, a large one is made to fit', () => {
  assert.equal(fit({ width: 216, height: 54 }, HOST).k, 1);
  const { k, x } = fit({ width: 2000, height: 100 }, HOST);
  assert.ok(Math.abs(2000 * k - 736) < 1e-9);
  assert.ok(Math.abs(x - 32) < 1e-9);
});

test('zooming keeps the point under the pointer', () => {
  const view = { k: 1, x: 10, y: 20 };
  const at = { x: 300, y: 200 };
  const next = zoomed(view, 1.25, at);
  const ground = (v: typeof view): number => (at.x - v.x) / v.k;
  assert.ok(Math.abs(ground(next) - ground(view)) < 1e-9);
  assert.equal(zoomed(view, 100, at).k, 1.6);
});

test('what is in sight, under the pointer, and the least way to the rest', () => {
  const view = { k: 1, x: 10, y: 10 };
  assert.deepEqual(inSight(view, PLACES, HOST), ['a']);
  assert.equal(cardAt(view, PLACES, { x: 20, y: 20 }), 'a');
  assert.equal(cardAt(view, PLACES, { x: 20, y: 200 }), '');
  assert.deepEqual(reveal(view, PLACES.a, HOST), { x: 0, y: 0 });
  const by = reveal(view, PLACES.far, HOST);
  assert.deepEqual(inSight({ ...view, x: view.x + by.x }, PLACES, HOST), ['far']);
});
