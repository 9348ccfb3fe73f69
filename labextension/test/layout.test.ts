import assert from 'node:assert/strict';
import { test } from 'node:test';

import { layersOf } from '../src/graph/layers.ts';
import { layout, type ILayoutInput } from '../src/graph/layout.ts';
import { edgeKey, pathOf, step } from '../src/graph/paths.ts';
import { spread, WIDE } from '../src/graph/position.ts';

const SIZE = { direction: 'down', width: 216, height: 54 } as const;

function input(nodes: string[], edges: [string, string][], more: Partial<ILayoutInput> = {}): ILayoutInput {
  return { nodes, edges: edges.map(([source, target]) => ({ source, target })), ...SIZE, ...more };
}

const FAN_IN = input(
  ['prepare', 'train', 'evaluate'],
  [
    ['prepare', 'train'],
    ['train', 'evaluate'],
    ['prepare', 'evaluate']
  ]
);

function overlaps(places: Readonly<Record<string, { x: number; y: number }>>): string[] {
  const all = Object.entries(places);
  return all.flatMap(([a, p], i) =>
    all
      .slice(i + 1)
      .filter(([, q]) => Math.abs(p.x - q.x) < SIZE.width && Math.abs(p.y - q.y) < SIZE.height)
      .map(([b]) => `${a}/${b}`)
  );
}

/** A pseudo-random graph that is the same in every run. */
function random(count: number): ILayoutInput {
  const nodes = Array.from({ length: count }, (_, i) => `n${i}`);
  let seed = 7;
  const next = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  const edges = nodes.slice(1).map((id, i): [string, string] => [`n${next(i + 1)}`, id]);
  return input(nodes, edges);
}

test('every node lies below what it needs', () => {
  const { places } = layout(FAN_IN);
  assert.ok((places.prepare?.y ?? NaN) < (places.train?.y ?? NaN));
  assert.ok((places.train?.y ?? NaN) < (places.evaluate?.y ?? NaN));
});

test('an edge that passes a layer bends around its cards', () => {
  const { places, routes } = layout(FAN_IN);
  const long = routes.find(route => route.source === 'prepare' && route.target === 'evaluate');
  const [bend] = long?.bends ?? [];
  const train = places.train;
  assert.ok(bend && train);
  assert.ok(bend.x < train.x || bend.x > train.x + SIZE.width);
});

test('to the right, layers are columns', () => {
  const { places } = layout({ ...FAN_IN, direction: 'right' });
  assert.ok((places.prepare?.x ?? NaN) < (places.train?.x ?? NaN));
});

test('cards never overlap, in small graphs and in large ones', () => {
  assert.deepEqual(overlaps(layout(random(60)).places), []);
  assert.deepEqual(overlaps(layout(random(400)).places), []);
});

test('a wide layer becomes a block that is not much wider than high', () => {
  const many = Array.from({ length: 100 }, (_, i) => `t${i}`);
  const wide = layout(
    input(
      ['load', ...many],
      many.map(id => ['load', id])
    )
  );
  assert.ok(many.length > WIDE);
  assert.ok(wide.width < 2 * wide.height);
  assert.deepEqual(overlaps(wide.places), []);
});

test('a circle is laid out, not refused', () => {
  const { places } = layout(
    input(
      ['a', 'b'],
      [
        ['a', 'b'],
        ['b', 'a']
      ]
    )
  );
  assert.deepEqual(Object.keys(places), ['a', 'b']);
});

test('edges to unknown nodes are left out', () => {
  assert.deepEqual(layout(input(['a'], [['a', 'ghost']])).routes, []);
});

test('growth keeps the order of siblings', () => {
  const edges: [string, string][] = [
    ['a', 'b'],
    ['a', 'c'],
    ['a', 'd']
  ];
  const first = layout(input(['a', 'd', 'c', 'b'], edges));
  const before = Object.fromEntries(Object.entries(first.places).map(([id, at]) => [id, at.x]));
  const grown = layout(input(['a', 'b', 'c', 'd', 'e'], [...edges, ['a', 'e']], { before }));
  const row = (of: typeof first): string[] => [...(of.layers[1] ?? [])].filter(id => id !== 'e');
  assert.deepEqual(row(grown), row(first));
});

test('an empty graph has no extent', () => {
  const empty = layout(input([], []));
  assert.deepEqual([empty.width, empty.height, empty.routes.length], [0, 0, 0]);
});

test('layers are the longest ways', () => {
  const layers = layersOf(FAN_IN.nodes, FAN_IN.edges);
  assert.deepEqual([...layers.values()], [0, 1, 2]);
});

test('spread keeps order and distance with the least movement', () => {
  assert.deepEqual(spread([0, 0, 0], [10, 10]), [-10, 0, 10]);
  assert.deepEqual(spread([0, 100], [10]), [0, 100]);
});

test('the path of a node is all that leads into and out of it', () => {
  const edges = [
    { source: 'a', target: 'b' },
    { source: 'b', target: 'c' },
    { source: 'x', target: 'c' }
  ];
  assert.deepEqual([...pathOf(edges, 'b')].sort(), [
    edgeKey({ source: 'a', target: 'b' }),
    edgeKey({ source: 'b', target: 'c' })
  ]);
  assert.equal(pathOf(edges, '').size, 0);
});

test('arrows walk along edges and between neighbours', () => {
  const graph = input(
    ['a', 'b', 'c'],
    [
      ['a', 'b'],
      ['a', 'c']
    ]
  );
  const laid = layout(graph);
  assert.equal(step(laid, graph.edges, 'b', 'ArrowUp', 'down'), 'a');
  assert.equal(step(laid, graph.edges, 'b', 'ArrowRight', 'down'), 'c');
  assert.equal(step(laid, graph.edges, 'c', 'ArrowRight', 'down'), null);
  assert.equal(step(laid, graph.edges, '', 'ArrowDown', 'down'), 'a');
  assert.equal(step(layout(FAN_IN), FAN_IN.edges, 'prepare', 'ArrowDown', 'down'), 'train');
});
