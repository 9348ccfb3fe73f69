/**
 * A layered layout: fast enough to be computed on every change, stable enough to be watched.
 *
 * Longest-path layers; one chain of bends for each source whose edges cross layers; sweeps of
 * barycentres that begin from the order of the last layout; positions by isotonic regression, which
 * keeps order and spacing exactly. Pure: runs in a worker or beside it.
 */

/** Which way the edges point. */
export type Direction = 'down' | 'right';

export interface ILayoutEdge {
  readonly source: string;
  readonly target: string;
}

export interface ILayoutInput {
  /** Ids in the order in which equals are placed. */
  readonly nodes: readonly string[];
  readonly edges: readonly ILayoutEdge[];
  readonly direction: Direction;
  /** Size of every card, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Places of the layout before, so that growth does not shuffle: id → place across the layers. */
  readonly before?: Readonly<Record<string, number>>;
}

export interface IPoint {
  readonly x: number;
  readonly y: number;
}

export interface IRoute {
  readonly source: string;
  readonly target: string;
  /** Middles of the bends between the cards, none for an edge to the next layer. */
  readonly bends: readonly IPoint[];
}

export interface ILayout {
  /** Top left corner of each card. */
  readonly places: Readonly<Record<string, IPoint>>;
  readonly layers: readonly (readonly string[])[];
  readonly routes: readonly IRoute[];
  readonly width: number;
  readonly height: number;
}

/** A layer with more cards than this is drawn as a block of rows. */
export const WIDE = 12;

/** Space between neighbours of a layer and between layers, in pixels. */
const GAP = { across: 28, along: { down: 48, right: 64 }, bend: 16 } as const;
const SWEEPS = 6;

interface IVertex {
  readonly id: string;
  readonly layer: number;
  /** Extent across the layers. */
  readonly size: number;
  readonly bend: boolean;
  readonly up: number[];
  readonly down: number[];
  /** Middle across the layers. */
  at: number;
  /** Row within its layer: above 0 only in layers that are drawn as a block. */
  row: number;
}

/** The layer of each node: the longest way from a source. Edges that close a circle are ignored. */
export function layersOf(
  nodes: readonly string[],
  edges: readonly ILayoutEdge[]
): ReadonlyMap<string, number> {
  const layer = new Map(nodes.map(id => [id, 0]));
  const waits = new Map(nodes.map(id => [id, 0]));
  const next = new Map<string, string[]>(nodes.map(id => [id, []]));
  for (const { source, target } of edges) {
    if (source !== target && layer.has(source) && layer.has(target)) {
      next.get(source)?.push(target);
      waits.set(target, (waits.get(target) ?? 0) + 1);
    }
  }
  const queue = nodes.filter(id => waits.get(id) === 0);
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    for (const target of next.get(id) ?? []) {
      layer.set(target, Math.max(layer.get(target) ?? 0, (layer.get(id) ?? 0) + 1));
      const left = (waits.get(target) ?? 1) - 1;
      waits.set(target, left);
      if (left === 0) {
        queue.push(target);
      }
    }
  }
  return layer;
}

interface IGraph {
  readonly vertices: IVertex[];
  readonly byLayer: number[][];
  /** Vertex of each node. */
  readonly index: ReadonlyMap<string, number>;
  /** Bends of a source by layer. */
  readonly chains: ReadonlyMap<string, readonly number[]>;
}

function build(input: ILayoutInput): IGraph {
  const layers = layersOf(input.nodes, input.edges);
  const size = input.direction === 'down' ? input.width : input.height;
  const vertices: IVertex[] = [];
  const index = new Map<string, number>();
  const chains = new Map<string, number[]>();
  const add = (id: string, layer: number, bend: boolean): number =>
    vertices.push({ id, layer, size: bend ? 2 : size, bend, up: [], down: [], at: 0, row: 0 }) - 1;
  const link = (a: number, b: number): void => {
    vertices[a]?.down.push(b);
    vertices[b]?.up.push(a);
  };
  for (const id of input.nodes) {
    index.set(id, add(id, layers.get(id) ?? 0, false));
  }
  for (const { source, target } of input.edges) {
    const [a, b] = [index.get(source), index.get(target)];
    const [from, to] = [layers.get(source) ?? 0, layers.get(target) ?? 0];
    if (a === undefined || b === undefined || to <= from) {
      continue;
    }
    const chain = chains.get(source) ?? [];
    chains.set(source, chain);
    while (chain.length < to - from - 1) {
      const bend = add(source, from + 1 + chain.length, true);
      link(chain.at(-1) ?? a, bend);
      chain.push(bend);
    }
    link(to - from === 1 ? a : (chain[to - from - 2] ?? a), b);
  }
  const byLayer: number[][] = [];
  vertices.forEach((vertex, i) => (byLayer[vertex.layer] ??= []).push(i));
  return { vertices, byLayer, index, chains };
}

/** Order within layers: from the order before, then towards the middle of the neighbours. */
function order({ vertices, byLayer }: IGraph, before: Readonly<Record<string, number>>): void {
  const rank = new Float64Array(vertices.length);
  const renumber = (row: number[]): void =>
    row.forEach((v, i) => (rank[v] = row.length > 1 ? i / (row.length - 1) : 0.5));
  for (const row of byLayer) {
    const place = (v: number): number | undefined => before[vertices[v]?.id ?? ''];
    if (row.some(v => place(v) !== undefined)) {
      const last = Math.max(...row.map(v => place(v) ?? -Infinity));
      const key = row.map((v, i) => ({ v, at: place(v) ?? last + 1 + i }));
      key.sort((a, b) => a.at - b.at);
      row.splice(0, row.length, ...key.map(item => item.v));
    }
    renumber(row);
  }
  const sweep = (row: number[], side: 'up' | 'down'): void => {
    const keyed = row.map((v, i) => {
      const near = vertices[v]?.[side] ?? [];
      const mean = near.reduce((total, u) => total + (rank[u] ?? 0), 0) / near.length;
      return { v, i, key: near.length > 0 ? mean : (rank[v] ?? 0) };
    });
    keyed.sort((a, b) => a.key - b.key || a.i - b.i);
    row.splice(0, row.length, ...keyed.map(item => item.v));
    renumber(row);
  };
  for (let i = 0; i < SWEEPS; i++) {
    const down = i % 2 === 0;
    (down ? byLayer : [...byLayer].reverse()).forEach(row => sweep(row, down ? 'up' : 'down'));
  }
}

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
function position({ vertices, byLayer }: IGraph, depth: number): void {
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

/** Lay out a graph. */
export function layout(input: ILayoutInput): ILayout {
  const graph = build(input);
  order(graph, input.before ?? {});
  const { vertices, byLayer, index, chains } = graph;
  const down = input.direction === 'down';
  const [depth, breadth] = down ? [input.height, input.width] : [input.width, input.height];
  position(graph, depth);
  const line = depth + GAP.bend;
  const starts: number[] = [];
  let length = 0;
  for (const row of byLayer) {
    starts.push(length);
    const rows = Math.max(...row.map(v => vertices[v]?.row ?? 0)) + 1;
    length += rows * line - GAP.bend + GAP.along[input.direction];
  }
  const along = (vertex: IVertex): number => (starts[vertex.layer] ?? 0) + vertex.row * line;
  const least = Math.min(0, ...vertices.map(vertex => vertex.at - vertex.size / 2));
  const most = Math.max(0, ...vertices.map(vertex => vertex.at + vertex.size / 2));
  const point = (lengthwise: number, across: number): IPoint =>
    down ? { x: across, y: lengthwise } : { x: lengthwise, y: across };

  const places: Record<string, IPoint> = {};
  for (const [id, v] of index) {
    const vertex = vertices[v];
    if (vertex) {
      places[id] = point(along(vertex), vertex.at - breadth / 2 - least);
    }
  }
  const routes = input.edges.flatMap(({ source, target }): IRoute[] => {
    const [a, b] = [vertices[index.get(source) ?? -1], vertices[index.get(target) ?? -1]];
    if (!a || !b || source === target) {
      return [];
    }
    const chain = (chains.get(source) ?? []).slice(0, Math.max(0, b.layer - a.layer - 1));
    const bends = chain.flatMap(v => {
      const bend = vertices[v];
      return bend ? [point(along(bend) + depth / 2, bend.at - least)] : [];
    });
    return [{ source, target, bends }];
  });
  const layers = byLayer.map(row =>
    row.flatMap(v => (vertices[v] && !vertices[v].bend ? [vertices[v].id] : []))
  );
  const extent = point(Math.max(0, length - GAP.along[input.direction]), most - least);
  return { places, layers, routes, width: extent.x, height: extent.y };
}
