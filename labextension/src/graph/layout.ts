/**
 * A layered layout: fast enough to be computed on every change, stable enough to be watched.
 *
 * Longest-path layers; one chain of bends for each source whose edges cross layers; sweeps of
 * barycentres that begin from the order of the last layout; positions by isotonic regression, which
 * keeps order and spacing exactly. Pure: runs in a worker or beside it.
 */

import { build, order, type IVertex } from './layers';
import { GAP, position } from './position';

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
