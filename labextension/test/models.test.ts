import assert from 'node:assert/strict';
import { test } from 'node:test';

import { linkTo, targetFromLink } from '../src/commands.ts';
import {
  age,
  bytes,
  connectionWords,
  cutMiddle,
  elapsed,
  lineOf,
  metric,
  secondsBetween,
  shortDigest,
  splitMiddle,
  when
} from '../src/format.ts';
import { LogBuffer, overwrite } from '../src/model/logs.ts';
import { columns, mergeSeries, MetricsModel, type Series } from '../src/model/metrics.ts';
import { openablePath } from '../src/notebook/cells.ts';
import { tabsOf } from '../src/panels/run/model.ts';
import { countGroups, inOrder, matches, SidebarModel } from '../src/panels/sidebar/model.ts';
import { treeMove, type IRow } from '../src/panels/sidebar/tree.ts';
import { sparkline } from '../src/components/spark.ts';
import type { IArgovxClient, IMetricPage, MetricPoint } from '../src/tokens.ts';
import { node, run } from './make.ts';

test('log lines: escapes go, carriage returns are carried out, the rest waits', () => {
  const buffer = new LogBuffer();
  buffer.append('\u001b[32mgreen\u001b[0m\n10%\r20%\rdone\nhal');
  assert.deepEqual(buffer.lines, ['green', 'done']);
  assert.equal(buffer.rest, 'hal');
  buffer.append('f\n');
  assert.deepEqual(buffer.tail(2), ['done', 'half']);
  assert.equal(overwrite('abcdef\rxy'), 'xycdef');
  assert.equal(overwrite('line\r'), 'line');
});

test('an escape that is cut between two pages goes too', () => {
  const buffer = new LogBuffer();
  buffer.append('a\u001b[3');
  buffer.append('2mb\n');
  assert.deepEqual(buffer.lines, ['ab']);
});

test('old log lines are dropped and counted', () => {
  const buffer = new LogBuffer(10);
  buffer.append(Array.from({ length: 30 }, (_, i) => `${i}\n`).join(''));
  assert.equal(buffer.lines.length + buffer.dropped, 30);
  assert.equal(buffer.lines.at(-1), '29');
  assert.ok(buffer.lines.length <= 11);
});

test('metrics of different paces lose no point, and thinned curves begin anew', () => {
  const first = mergeSeries(new Map(), { series: { loss: points(0, 3), acc: points(0, 1) }, whole: true });
  const second = mergeSeries(first, {
    series: { loss: points(3, 4), acc: [], lr: points(3, 4) },
    whole: false
  });
  assert.deepEqual(steps(second, 'loss'), [0, 1, 2, 3]);
  assert.deepEqual(steps(second, 'acc'), [0]);
  assert.deepEqual(steps(second, 'lr'), [3]);
  const third = mergeSeries(second, { series: { loss: points(2, 5) }, whole: true });
  assert.deepEqual([...third.keys()], ['loss']);
  assert.deepEqual(steps(third, 'loss'), [2, 3, 4]);
});

test('metrics are asked for from where the last answer ended', async () => {
  (globalThis as { document?: unknown }).document = { hidden: false };
  const asked: string[] = [];
  const pages: IMetricPage[] = [
    { series: { loss: points(0, 2) }, next: 'a.2', whole: true },
    { series: { loss: points(2, 3) }, next: 'a.3', whole: false },
    { series: { loss: points(1, 4) }, next: 'b.4', whole: true }
  ];
  const client = {
    metrics: (_run: string, _node: string, after: string): Promise<IMetricPage> => {
      const page = pages[asked.length];
      asked.push(after);
      return page ? Promise.resolve(page) : Promise.reject(new Error('asked too often'));
    }
  } as unknown as IArgovxClient;
  const model = new MetricsModel(client);
  const look = async (execution: string, active: boolean): Promise<void> => {
    model.follow({ run: 'r', node: 'n', execution }, { active, final: false });
    await new Promise(resolve => setImmediate(resolve));
  };
  await look('w-1', true);
  await look('w-1', false);
  await look('w-1', true);
  assert.deepEqual(steps(model.series, 'loss'), [0, 1, 2]);
  await look('w-1', false);
  await look('w-1', true);
  assert.deepEqual(steps(model.series, 'loss'), [1, 2, 3]);
  model.follow({ run: 'r', node: 'n', execution: 'w-2' }, { active: true, final: false });
  assert.deepEqual(asked, ['', 'a.2', 'a.3', '']);
  model.dispose();
});

function points(from: number, to: number): MetricPoint[] {
  return Array.from({ length: to - from }, (_, i): MetricPoint => [from + i, from + i, '']);
}

function steps(series: Series, name: string): (number | null)[] {
  return (series.get(name) ?? []).map(point => point[0]);
}

test('columns: by step and sorted, else by order', () => {
  assert.deepEqual(
    columns([
      [2, 20, ''],
      [1, 10, '']
    ]),
    [
      [1, 2],
      [10, 20]
    ]
  );
  assert.deepEqual(
    columns([
      [null, 5, ''],
      [7, 6, '']
    ]),
    [
      [1, 2],
      [5, 6]
    ]
  );
});

test('a sparkline stays in its box', () => {
  const points = sparkline([1, 5, 3], 60, 20)
    .split(' ')
    .map(pair => pair.split(',').map(Number));
  assert.deepEqual(
    points.map(point => point[0]),
    [0, 30, 60]
  );
  assert.ok(points.every(point => (point[1] ?? -1) >= 0 && (point[1] ?? 99) <= 20));
});

test('times and sizes read as people say them', () => {
  assert.deepEqual([0, 62, 3723].map(elapsed), ['0:00', '1:02', '1:02:03']);
  // The same table as tests/codecs/test_sizes.py.
  assert.deepEqual([0, 12, 999, 1000, 12_204, 920_128, 1.2e9, 3e15].map(bytes), [
    '0 B',
    '12 B',
    '999 B',
    '1 KB',
    '12.2 KB',
    '920 KB',
    '1.2 GB',
    '3000 TB'
  ]);
  assert.deepEqual([0.123456, 3, 1e-7, 12_345_678.9].map(metric), ['0.1235', '3', '1.00e-7', '1.23e+7']);
  assert.deepEqual([5, 120, 7200, 3e5].map(age), ['5 s', '2 min', '2 h', '3 days']);
  assert.equal(shortDigest('sha256:9f3ab2'), '9f3a…');
  assert.equal(secondsBetween(null, null, 0), null);
  assert.equal(secondsBetween('2026-01-01T00:00:05Z', '2026-01-01T00:00:00Z', 0), 0);
});

test('a long name gives way in its middle, and no letter is lost', () => {
  assert.deepEqual(splitMiddle('short_name'), ['short_name', '']);
  const [head, tail] = splitMiddle('validation_features_after_scaling');
  assert.equal(head + tail, 'validation_features_after_scaling');
  assert.equal(tail, 'caling');
  assert.equal(cutMiddle('a'.repeat(20) + 'z'.repeat(20), 11), 'aaaaa…zzzzz');
  assert.equal(cutMiddle('short', 11), 'short');
  assert.deepEqual(splitMiddle(`${'x'.repeat(12)}🙂🙂🙂🙂🙂🙂`)[1], '🙂🙂🙂🙂🙂🙂');
});

test('a stop says who, and when on this clock', () => {
  const now = new Date(2026, 10, 24, 9, 0).getTime();
  const at = new Date(2026, 10, 24, 8, 41).toISOString();
  const stopped = node('a', { phase: 'Stopped', line: 'by ada', stop: { how: 'Stop', by: 'ada', at } });
  assert.equal(lineOf(stopped, now), 'by ada, 08:41');
  assert.equal(lineOf(node('a', { phase: 'Stopped', line: 'by ada', stop: { how: 'Stop' } }), now), 'by ada');
  assert.equal(lineOf(node('a', { line: '3/10' }), now), '3/10');
});

test('yesterday is a word', () => {
  const now = new Date(2026, 10, 24, 9, 0).getTime();
  assert.equal(when(new Date(2026, 10, 24, 8, 5).toISOString(), now), '08:05');
  assert.equal(when(new Date(2026, 10, 23, 23, 59).toISOString(), now), 'yesterday 23:59');
  assert.equal(when(new Date(2026, 9, 1).toISOString(), now), '2026-10-01');
  assert.equal(when('nonsense', now), '');
});

test('stale is said', () => {
  const at = { heardAt: 1000, polling: false };
  assert.equal(connectionWords({ ...at, state: 'live' }, 13_000), 'live');
  assert.equal(connectionWords({ ...at, state: 'reconnecting' }, 13_000), 'as of 12 s ago, reconnecting');
  assert.equal(connectionWords({ ...at, heardAt: 0, state: 'reconnecting' }, 13_000), 'reconnecting');
  assert.equal(connectionWords({ ...at, state: 'absent' }, 0), 'server part missing');
});

test('a link opens what it was made of', () => {
  const here = { href: 'http://127.0.0.1:1/user/a/lab/tree/x.ipynb?token=secret#y' } as Location;
  const link = linkTo({ run: 'r', node: 'train' }, here);
  assert.ok(!link.includes('secret'));
  assert.deepEqual(targetFromLink(new URL(link).search), { run: 'r', node: 'train' });
  assert.equal(targetFromLink('?x=1'), null);
});

test('absolute notebook paths become those of the server', () => {
  assert.equal(openablePath('/srv/root/a/b.ipynb', '/srv/root/'), 'a/b.ipynb');
  assert.equal(openablePath('a/b.ipynb', '/srv/root'), 'a/b.ipynb');
  assert.equal(openablePath('/srv/rootless/b.ipynb', '/srv/root'), '/srv/rootless/b.ipynb');
});

test('tabs show only what has something to show', () => {
  assert.deepEqual(tabsOf(run('r', [node('a')]), node('a', { phase: 'Planned' })), ['overview']);
  const full = node('a', { metrics: { loss: 1 }, outputs: [{ name: 'x' }] });
  assert.deepEqual(tabsOf(run('r', [full]), full), [
    'overview',
    'logs',
    'metrics',
    'data',
    'events',
    'spec',
    'lineage'
  ]);
  assert.deepEqual(tabsOf(run('plan:n', []), undefined), ['overview']);
});

const ROWS: readonly IRow[] = [
  { run: 'r', node: '', open: true },
  { run: 'r', node: 'a', open: null },
  { run: 's', node: '', open: false }
];

test('the tree obeys the keyboard as trees do', () => {
  const focus = (i: number): unknown => ({ kind: 'focus', row: ROWS[i] });
  assert.deepEqual(treeMove(ROWS, 0, 'ArrowDown'), focus(1));
  assert.deepEqual(treeMove(ROWS, 0, 'ArrowRight'), focus(1));
  assert.deepEqual(treeMove(ROWS, 1, 'ArrowLeft'), focus(0));
  assert.deepEqual(treeMove(ROWS, 0, 'ArrowLeft'), { kind: 'unfold', run: 'r', open: false });
  assert.deepEqual(treeMove(ROWS, 2, 'ArrowRight'), { kind: 'unfold', run: 's', open: true });
  assert.deepEqual(treeMove(ROWS, 2, 'ArrowDown'), focus(2));
  assert.deepEqual(treeMove(ROWS, 2, 'Home'), focus(0));
  assert.deepEqual(treeMove(ROWS, 1, 'Enter'), { kind: 'open', row: ROWS[1] });
  assert.equal(treeMove(ROWS, 1, 'x'), null);
});

test('search and counts filter together, and nothing moves under the pointer', () => {
  const runs = [
    run('alpha', [node('train')]),
    run('beta', [], { phase: 'Failed' }),
    run('gamma', [], { phase: 'Succeeded' })
  ];
  assert.deepEqual(countGroups(runs), { active: 1, failed: 1, done: 1 });
  assert.ok(matches(runs[0] ?? run('x'), 'TRAIN alpha'));
  const model = new SidebarModel();
  assert.equal(model.visible(runs).length, 3);
  model.hold(true);
  const reordered = [runs[2], runs[0], runs[1]].flatMap(item => item ?? []);
  assert.deepEqual(
    model.visible(reordered).map(item => item.id),
    ['alpha', 'beta', 'gamma']
  );
  model.hold(false);
  assert.equal(model.visible(reordered)[0]?.id, 'gamma');
  model.toggleGroup('failed');
  assert.deepEqual(
    model.visible(runs).map(item => item.id),
    ['beta']
  );
  model.query = 'nothing';
  assert.equal(model.visible(runs).length, 0);
  model.clear();
  assert.equal(model.visible(runs).length, 3);
});

test('the notebook in front comes first, then what is under way, then the newest', () => {
  const runs = [
    run('new', [], { phase: 'Succeeded' }),
    run('busy', [], { phase: 'Running' }),
    run('mine', [], { phase: 'Failed' }),
    run('waits', [], { phase: 'Queued' }),
    run('old', [], { phase: 'Failed' })
  ];
  const order = (front: string): readonly string[] => inOrder(runs, front).map(item => item.id);
  assert.deepEqual(order('mine'), ['mine', 'busy', 'waits', 'new', 'old']);
  assert.deepEqual(order(''), ['busy', 'waits', 'new', 'mine', 'old']);
});

test('a custom job of its own is found by what it is', () => {
  assert.ok(matches(run('vertex-1', [], { source: 'vertex' }), 'outside vertex'));
  assert.ok(!matches(run('r', [], {}), 'outside vertex'));
});
