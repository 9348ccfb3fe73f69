/**
 * Places across the layers, in pixels: as near to the neighbours as order and distances allow.
 */
import type { IGraph, IVertex } from './layers';

/** A layer with more cards than this is drawn as a block of rows. */
export const WIDE = 12;

/** Space between neighbours of a layer and between layers, in pixels. */
export const GAP = { across: 28, along: { down: 48, right: 64 }, bend: 16 } as const;
/** The nearest positions to `want` that keep order and distances: pool adjacent violators. */
export function spread(want: readonly number[], gaps: readonly number[]): readonly number[] {
  const blocks: { mean: number; count: number }[] = [];
  const offsets: number[] = [];
  let offset = 0;
  want.forEach((value, i) => {
    offset += i === 0 ? 0 : (gaps[i - 1] ?? 0);
    offsets.push(offset);
    let block = { mean: value - offset, count: 1 };
    for (let top = blocks.at(-1); top && top.mean > block.mean; top = blocks.at(-1)) {
      const count = top.count + block.count;
      block = { mean: (top.mean * top.count + block.mean * block.count) / count, count };
      blocks.pop();
    }
    blocks.push(block);
  });
  let i = 0;
  return blocks.flatMap(block => Array.from({ length: block.count }, () => block.mean + (offsets[i++] ?? 0)));
}

function gapsOf(row: readonly number[], vertices: readonly IVertex[]): readonly number[] {
  return row.slice(1).map((v, i) => {
    const [a, b] = [vertices[row[i] ?? 0], vertices[v]];
    const gap = a?.bend && b?.bend ? GAP.bend : GAP.across;
    return ((a?.size ?? 0) + (b?.size ?? 0)) / 2 + gap;
  });
}

function isWide(row: readonly number[], vertices: readonly IVertex[]): boolean {
  return row.filter(v => vertices[v]?.bend === false).length > WIDE;
}

/** Place a wide layer as a block of rows, about as high as it is wide; bends pass at its side. */
function block(row: readonly number[], vertices: readonly IVertex[], depth: number): void {
  const all = row.flatMap(v => vertices[v] ?? []);
  const cards = all.filter(vertex => !vertex.bend);
  const step = (cards[0]?.size ?? 0) + GAP.bend;
  const columns = Math.max(4, Math.ceil(Math.sqrt((cards.length * (depth + GAP.bend)) / step)));
  cards.forEach((vertex, i) => {
    vertex.row = Math.floor(i / columns);
    vertex.at = ((i % columns) - (columns - 1) / 2) * step;
  });
  all
    .filter(vertex => vertex.bend)
    .forEach((vertex, i) => (vertex.at = (columns / 2) * step + GAP.across + i * GAP.bend));
}

/** Positions across the layers: begin packed, then towards the middle of the neighbours. */
export function position({ vertices, byLayer }: IGraph, depth: number): void {
  const rows = byLayer.map(row => ({ row, gaps: gapsOf(row, vertices) }));
  for (const { row, gaps } of rows) {
    const extent = gaps.reduce((a, b) => a + b, 0);
    let at = -extent / 2;
    row.forEach((v, i) => {
      const vertex = vertices[v];
      if (vertex) {
        vertex.at = at;
      }
      at += gaps[i] ?? 0;
    });
  }
  const pull = ({ row, gaps }: (typeof rows)[number], side: 'up' | 'down' | 'both'): void => {
    if (isWide(row, vertices)) {
      return;
    }
    const want = row.map(v => {
      const vertex = vertices[v];
      const near = vertex ? (side === 'both' ? [...vertex.up, ...vertex.down] : vertex[side]) : [];
      const total = near.reduce((sum, u) => sum + (vertices[u]?.at ?? 0), 0);
      return near.length > 0 ? total / near.length : (vertex?.at ?? 0);
    });
    spread(want, gaps).forEach((at, i) => {
      const vertex = vertices[row[i] ?? -1];
      if (vertex) {
        vertex.at = at;
      }
    });
  };
  byLayer.filter(row => isWide(row, vertices)).forEach(row => block(row, vertices, depth));
  rows.forEach(item => pull(item, 'up'));
  [...rows].reverse().forEach(item => pull(item, 'down'));
  rows.forEach(item => pull(item, 'up'));
  rows.forEach(item => pull(item, 'both'));
}
