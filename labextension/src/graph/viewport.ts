/**
 * What part of a graph is on screen, and how large: pure.
 */
import { CARD } from './card';
import type { IPoint } from './layout';

/** Screen = ground × `k` + (`x`, `y`), in pixels. */
export interface IViewport {
  readonly x: number;
  readonly y: number;
  readonly k: number;
}

/** Width and height, in pixels. */
export interface ISize {
  readonly width: number;
  readonly height: number;
}

const ZOOM = { least: 0.04, most: 1.6, fit: 1 } as const;
/** Space around a graph that fits, in pixels. */
const MARGIN = 32;
/** How near to the edge a card is brought into sight, in pixels. */
const NEAR = 8;

/** The whole graph; a small one hangs from the top: it grows downwards and nothing above it moves. */
export function fit(graph: ISize, host: ISize): IViewport {
  const room = Math.min((host.width - 2 * MARGIN) / graph.width, (host.height - 2 * MARGIN) / graph.height);
  const k = Math.max(Math.min(ZOOM.fit, room), ZOOM.least);
  return {
    k,
    x: (host.width - graph.width * k) / 2,
    y: Math.min((host.height - graph.height * k) / 2, MARGIN + host.height / 12)
  };
}

/** Zoom by a factor; the point `at` of the host stays where it is. */
export function zoomed({ k, x, y }: IViewport, factor: number, at: IPoint): IViewport {
  const next = Math.min(Math.max(k * factor, ZOOM.least), ZOOM.most);
  return { k: next, x: at.x - ((at.x - x) * next) / k, y: at.y - ((at.y - y) * next) / k };
}

/** The least movement that brings a card into sight. */
export function reveal({ k, x, y }: IViewport, card: IPoint, host: ISize): IPoint {
  const nudge = (from: number, to: number, size: number): number =>
    from < NEAR ? NEAR - from : to > size - NEAR ? size - NEAR - to : 0;
  return {
    x: nudge(card.x * k + x, (card.x + CARD.width) * k + x, host.width),
    y: nudge(card.y * k + y, (card.y + CARD.height) * k + y, host.height)
  };
}

/** The cards that are at least partly on screen. */
export function inSight(
  { k, x, y }: IViewport,
  places: Readonly<Record<string, IPoint>>,
  host: ISize
): readonly string[] {
  return Object.entries(places)
    .filter(([, at]) => {
      const [left, top] = [at.x * k + x, at.y * k + y];
      const [right, bottom] = [left + CARD.width * k, top + CARD.height * k];
      return right >= 0 && left <= host.width && bottom >= 0 && top <= host.height;
    })
    .map(([id]) => id);
}

/** The card under a point of the host; empty on the ground. */
export function cardAt(
  { k, x, y }: IViewport,
  places: Readonly<Record<string, IPoint>>,
  point: IPoint
): string {
  const [px, py] = [(point.x - x) / k, (point.y - y) / k];
  const hit = Object.entries(places).find(
    ([, at]) => px >= at.x && px <= at.x + CARD.width && py >= at.y && py <= at.y + CARD.height
  );
  return hit?.[0] ?? '';
}
