/**
 * Layers of a graph and the order within them: where a card stands among its neighbours, not yet in pixels.
 */
import type { ILayoutEdge, ILayoutInput } from './layout';

const SWEEPS = 6;

/** A card, or a bend of an edge that passes its layer. */
export interface IVertex {
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

/** Vertices in layers; every edge leads to the next layer. */
export interface IGraph {
  readonly vertices: IVertex[];
  readonly byLayer: number[][];
  /** Vertex of each node. */
  readonly index: ReadonlyMap<string, number>;
  /** Bends of a source by layer. */
  readonly chains: ReadonlyMap<string, readonly number[]>;
}

/** Put nodes into layers, and a chain of bends behind each source whose edges cross layers. */
export function build(input: ILayoutInput): IGraph {
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
export function order({ vertices, byLayer }: IGraph, before: Readonly<Record<string, number>>): void {
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
