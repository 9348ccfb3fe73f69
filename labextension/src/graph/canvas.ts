/**
 * Edges, and at a distance the nodes too, on one canvas: colours of the theme, nothing else.
 */
import type { IGraphItem } from './item';
import type { Direction, ILayout, IPoint, IRoute } from './layout';
import { CARD } from './card';
import { edgeKey } from './paths';
import type { IViewport } from './viewport';

/** Colours read from the theme once per theme. */
export type Palette = Readonly<Record<string, string>>;

const NAMES: Readonly<Record<string, string>> = {
  edge: '--jp-border-color1',
  path: '--jp-brand-color1',
  card: '--jp-layout-color1',
  border: '--jp-border-color1',
  planned: '--jp-border-color2',
  quiet: '--jp-ui-font-color2',
  info: '--jp-info-color1',
  brand: '--jp-brand-color1',
  success: '--jp-success-color1',
  error: '--jp-error-color1',
  warn: '--jp-warn-color1',
  faint: '--jp-ui-font-color3'
};

export function readPalette(host: Element): Palette {
  const style = getComputedStyle(host);
  return Object.fromEntries(
    Object.entries(NAMES).map(([name, variable]) => [name, style.getPropertyValue(variable).trim()])
  );
}

/** Where an edge leaves and enters its cards. */
function ends(route: IRoute, layout: ILayout, direction: Direction): readonly [IPoint, IPoint] | null {
  const [a, b] = [layout.places[route.source], layout.places[route.target]];
  if (!a || !b) {
    return null;
  }
  return direction === 'down'
    ? [
        { x: a.x + CARD.width / 2, y: a.y + CARD.height },
        { x: b.x + CARD.width / 2, y: b.y }
      ]
    : [
        { x: a.x + CARD.width, y: a.y + CARD.height / 2 },
        { x: b.x, y: b.y + CARD.height / 2 }
      ];
}

function trace(
  context: CanvasRenderingContext2D,
  points: readonly IPoint[],
  direction: Direction,
  thickness: number
): void {
  let [from] = points;
  if (!from) {
    return;
  }
  context.moveTo(from.x, from.y);
  for (let i = 1; i < points.length; i++) {
    const to = points[i];
    if (!to) {
      continue;
    }
    // Bends pass their layer straight for a card's length, so that no edge touches a card.
    const half = i < points.length - 1 ? thickness : 0;
    if (direction === 'down') {
      const middle = (from.y + to.y - half) / 2;
      context.bezierCurveTo(from.x, middle, to.x, middle, to.x, to.y - half);
      from = { x: to.x, y: to.y + half };
    } else {
      const middle = (from.x + to.x - half) / 2;
      context.bezierCurveTo(middle, from.y, middle, to.y, to.x - half, to.y);
      from = { x: to.x + half, y: to.y };
    }
    if (half > 0) {
      context.lineTo(from.x, from.y);
    }
  }
}

export interface IScene {
  readonly layout: ILayout;
  readonly items: ReadonlyMap<string, IGraphItem>;
  readonly direction: Direction;
  readonly path: ReadonlySet<string>;
  readonly selected: string;
  /** Whether the nodes are drawn here too, because they are too many or too small for cards. */
  readonly far: boolean;
}

/** Below this zoom an edge is a straight hairline. */
const STRAIGHT_BELOW = 0.2;

function strokeEdges(
  context: CanvasRenderingContext2D,
  scene: IScene,
  view: IViewport,
  onPath: boolean
): void {
  const { layout, direction } = scene;
  const thickness = (direction === 'down' ? CARD.height : CARD.width) / 2;
  context.beginPath();
  for (const route of layout.routes) {
    const pair = scene.path.has(edgeKey(route)) === onPath ? ends(route, layout, direction) : null;
    if (pair && view.k < STRAIGHT_BELOW) {
      context.moveTo(pair[0].x, pair[0].y);
      context.lineTo(pair[1].x, pair[1].y);
    } else if (pair) {
      trace(context, [pair[0], ...route.bends, pair[1]], direction, thickness);
    }
  }
  context.stroke();
}

function drawNodes(context: CanvasRenderingContext2D, scene: IScene, palette: Palette): void {
  for (const [id, at] of Object.entries(scene.layout.places)) {
    const item = scene.items.get(id);
    const tone = palette[item?.tone ?? 'planned'] ?? '';
    context.beginPath();
    context.roundRect(at.x, at.y, CARD.width, CARD.height, 6);
    if (item?.planned) {
      context.setLineDash([8, 6]);
      context.strokeStyle = palette.border ?? '';
      context.lineWidth = 2;
      context.stroke();
      context.setLineDash([]);
    } else {
      context.fillStyle = tone;
      context.fill();
    }
    if (id === scene.selected) {
      context.strokeStyle = palette.path ?? '';
      context.lineWidth = 8;
      context.stroke();
    }
  }
}

/** Draw the scene; the canvas is as large as its host in device pixels. */
export function paint(
  canvas: HTMLCanvasElement,
  scene: IScene,
  view: IViewport,
  palette: Palette,
  ratio: number
): void {
  const context = canvas.getContext('2d');
  if (!context) {
    return;
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.setTransform(ratio * view.k, 0, 0, ratio * view.k, ratio * view.x, ratio * view.y);
  context.lineWidth = 1.5 / Math.max(view.k, 0.35);
  context.strokeStyle = palette.edge ?? '';
  context.globalAlpha = scene.layout.routes.length > 400 ? 0.45 : 1;
  strokeEdges(context, scene, view, false);
  context.globalAlpha = 1;
  context.lineWidth = 2 / Math.max(view.k, 0.35);
  context.strokeStyle = palette.path ?? '';
  strokeEdges(context, scene, view, true);
  if (scene.far) {
    drawNodes(context, scene, palette);
  }
}
