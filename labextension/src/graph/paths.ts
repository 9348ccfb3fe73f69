/**
 * Ways through a graph: what leads into and out of a node, and where an arrow key goes. Pure.
 */
import type { ILayout, ILayoutEdge } from './layout';

/** Key of an edge. */
export function edgeKey(edge: ILayoutEdge): string {
  return `${edge.source}\n${edge.target}`;
}

/** Every edge on a way into or out of `id`. */
export function pathOf(edges: readonly ILayoutEdge[], id: string): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (side: 'source' | 'target'): void => {
    const other = side === 'source' ? 'target' : 'source';
    const by = new Map<string, ILayoutEdge[]>();
    edges.forEach(edge => by.set(edge[side], [...(by.get(edge[side]) ?? []), edge]));
    const seen = new Set([id]);
    const stack = [id];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      for (const edge of by.get(at) ?? []) {
        found.add(edgeKey(edge));
        if (!seen.has(edge[other])) {
          seen.add(edge[other]);
          stack.push(edge[other]);
        }
      }
    }
  };
  if (id) {
    walk('source');
    walk('target');
  }
  return found;
}

export type Arrow = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight';

const AHEAD: Readonly<Record<Arrow, { down: string; right: string }>> = {
  ArrowDown: { down: 'next', right: 'after' },
  ArrowUp: { down: 'back', right: 'before' },
  ArrowRight: { down: 'after', right: 'next' },
  ArrowLeft: { down: 'before', right: 'back' }
};

/** The node that an arrow key leads to: along an edge, or to the neighbour in the layer. */
export function step(
  layout: ILayout,
  edges: readonly ILayoutEdge[],
  from: string,
  key: Arrow,
  direction: 'down' | 'right'
): string | null {
  const here = layout.places[from];
  if (!here) {
    return layout.layers[0]?.[0] ?? null;
  }
  const move = AHEAD[key][direction];
  if (move === 'after' || move === 'before') {
    const row = layout.layers.find(layer => layer.includes(from)) ?? [];
    return row[row.indexOf(from) + (move === 'after' ? 1 : -1)] ?? null;
  }
  const [along, across] = direction === 'down' ? (['y', 'x'] as const) : (['x', 'y'] as const);
  const near = edges
    .filter(edge => (move === 'next' ? edge.source : edge.target) === from)
    .map(edge => (move === 'next' ? edge.target : edge.source));
  // The next layer first, then the nearest beside it: a long edge is reached through what it passes.
  const far = (id: string, axis: 'x' | 'y'): number =>
    Math.abs((layout.places[id]?.[axis] ?? Infinity) - here[axis]);
  return near.sort((a, b) => far(a, along) - far(b, along) || far(a, across) - far(b, across))[0] ?? null;
}
