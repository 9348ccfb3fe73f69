/**
 * The graph as a widget: pan, zoom, keyboard and selection over cards and a canvas.
 *
 * Owns the viewport. Keeps positions while the graph grows: what is on screen stays where it is
 * unless the whole graph still fits. Refuses to know what its cards stand for.
 */
import type { Message } from '@lumino/messaging';
import { Signal, type ISignal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import { CARD } from './card';
import { Cards } from './cards';
import { paint, readPalette, type Palette } from './canvas';
import { LayoutEngine } from './engine';
import { GraphInput, type IGraphVerbs } from './input';
import type { IGraphEdge, IGraphItem } from './item';
import type { Direction, ILayout, IPoint } from './layout';
import { pathOf, step, type Arrow } from './paths';
import { cardAt, fit, inSight, reveal, zoomed, type ISize, type IViewport } from './viewport';

/** Cards are real elements up to this many in sight, and above this zoom. */
const CARDS = { most: 150, above: 0.4 } as const;
/** Below this zoom the cards show their names alone, larger. */
const SMALL_BELOW = 0.62;

const EMPTY: ILayout = { places: {}, layers: [], routes: [], width: 0, height: 0 };

export class GraphView extends Widget implements IGraphVerbs {
  constructor(label: string) {
    super();
    this.addClass('jp-argovx-graph');
    const { node } = this;
    node.tabIndex = 0;
    node.setAttribute('role', 'listbox');
    node.setAttribute('aria-label', label);
    this._cards.layer.className = 'jp-argovx-graph-layer';
    node.append(this._canvas, this._cards.layer);
    this._resize = new ResizeObserver(() => this._onSize());
    this._theme = new MutationObserver(() => {
      this._palette = null;
      this._draw();
    });
  }

  /** A card was chosen; empty when the ground was. */
  get picked(): ISignal<this, string> {
    return this._picked;
  }

  /** A card was opened: double click or Enter. */
  get opened(): ISignal<this, string> {
    return this._opened;
  }

  /** The run that the cards belong to, for context menus; empty when they stand for something else. */
  set scope(scope: string) {
    if (this._cards.rescope(scope)) {
      this._draw();
    }
  }

  get direction(): Direction {
    return this._direction;
  }

  set direction(direction: Direction) {
    if (direction !== this._direction) {
      this._direction = direction;
      this._follows = true;
      this._layOut();
    }
  }

  setData(items: readonly IGraphItem[], edges: readonly IGraphEdge[]): void {
    const shape = JSON.stringify([items.map(item => item.id), edges.map(edge => [edge.source, edge.target])]);
    this._items = new Map(items.map(item => [item.id, item]));
    this._edges = edges;
    if (shape !== this._shape) {
      this._shape = shape;
      this._layOut();
    }
    this._draw();
  }

  select(id: string): void {
    if (id !== this._selected) {
      this._selected = id;
      this._path = pathOf(this._edges, id);
      this._draw();
    }
  }

  /** Show the whole graph, and keep doing so while it grows. */
  fitAll(): void {
    this._follows = true;
    if (this._size.width > 0 && this._laid.width > 0) {
      this._look(fit(this._laid, this._size));
    }
  }

  zoom(factor: number, at?: IPoint): void {
    const { width, height } = this._size;
    this._follows = false;
    this._look(zoomed(this._view, factor, at ?? { x: width / 2, y: height / 2 }));
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._engine.dispose();
      this._resize.disconnect();
      this._theme.disconnect();
      cancelAnimationFrame(this._frame);
      super.dispose();
    }
  }

  /** Move the ground. */
  pan(by: IPoint): void {
    const { k, x, y } = this._view;
    this._follows = false;
    this._look({ k, x: x + by.x, y: y + by.y });
  }

  /** The node under a point of the host; empty on the ground. */
  at(point: IPoint): string {
    return cardAt(this._view, this._laid.places, point);
  }

  /** Choose a card, or none, as the user does. */
  choose(id: string): void {
    this.select(id);
    this._picked.emit(id);
  }

  open(id: string): void {
    this._opened.emit(id);
  }

  /** Follow an arrow key along an edge. */
  walk(key: Arrow): void {
    const next = step(this._laid, this._edges, this._selected, key, this._direction);
    if (next) {
      this.choose(next);
      this._reveal(next);
    }
  }

  get selected(): string {
    return this._selected;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._input.attach();
    this._resize.observe(this.node);
    this._theme.observe(document.body, { attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light'] });
    this._onSize();
  }

  protected override onBeforeDetach(message: Message): void {
    this._input.detach();
    this._resize.disconnect();
    this._theme.disconnect();
    super.onBeforeDetach(message);
  }

  private _layOut(): void {
    const across = this._direction === 'down' ? 'x' : 'y';
    const before = Object.fromEntries(Object.entries(this._laid.places).map(([id, at]) => [id, at[across]]));
    const input = {
      nodes: [...this._items.keys()],
      edges: this._edges.map(({ source, target }) => ({ source, target })),
      direction: this._direction,
      width: CARD.width,
      height: CARD.height,
      before
    };
    this._engine.request(input, layout => this._arrange(layout));
  }

  private _arrange(layout: ILayout): void {
    const anchor = this._anchor(layout);
    const old = this._laid.places[anchor];
    this._laid = layout;
    this._path = pathOf(this._edges, this._selected);
    this.node.dataset.argovxNodes = String(Object.keys(layout.places).length);
    const fresh = layout.places[anchor];
    if (this._follows || !old || !fresh) {
      this.fitAll();
    } else {
      const { k, x, y } = this._view;
      this._look({ k, x: x + (old.x - fresh.x) * k, y: y + (old.y - fresh.y) * k });
    }
    this._draw();
  }

  /** The card that must not move on screen: the selected one, or any that stays. */
  private _anchor(layout: ILayout): string {
    const old = this._laid.places;
    return old[this._selected] && layout.places[this._selected]
      ? this._selected
      : (Object.keys(old).find(id => layout.places[id]) ?? '');
  }

  private _look(view: IViewport): void {
    this._view = view;
    this._draw();
  }

  private get _size(): ISize {
    return { width: this.node.clientWidth, height: this.node.clientHeight };
  }

  private _onSize(): void {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.node;
    this._canvas.width = Math.round(clientWidth * ratio);
    this._canvas.height = Math.round(clientHeight * ratio);
    if (this._follows) {
      this.fitAll();
    }
    this._draw();
  }

  private _draw(): void {
    if (this._frame === 0 && this.isAttached) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this._paint();
      });
    }
  }

  private _paint(): void {
    if (this.isDisposed || this.node.clientWidth === 0) {
      return;
    }
    this._palette ??= readPalette(this.node);
    const shown = inSight(this._view, this._laid.places, this._size);
    const far = this._view.k < CARDS.above || shown.length > CARDS.most;
    this._showCards(far ? [] : shown);
    const scene = {
      layout: this._laid,
      items: this._items,
      direction: this._direction,
      path: this._path,
      selected: this._selected,
      far
    };
    paint(this._canvas, scene, this._view, this._palette, window.devicePixelRatio || 1);
  }

  private _showCards(shown: readonly string[]): void {
    const { k, x, y } = this._view;
    const { layer } = this._cards;
    layer.classList.toggle('jp-argovx-small', k < SMALL_BELOW);
    layer.style.transform = `translate(${x}px, ${y}px) scale(${k})`;
    const { places } = this._laid;
    const active = this._cards.show({ shown, items: this._items, places, selected: this._selected });
    if (active) {
      this.node.setAttribute('aria-activedescendant', active);
    } else {
      this.node.removeAttribute('aria-activedescendant');
    }
  }

  /** Bring a card into sight with the least movement. */
  private _reveal(id: string): void {
    const at = this._laid.places[id];
    if (!at) {
      return;
    }
    const by = reveal(this._view, at, this._size);
    if (by.x !== 0 || by.y !== 0) {
      this.pan(by);
    }
  }

  private readonly _picked = new Signal<this, string>(this);
  private readonly _opened = new Signal<this, string>(this);
  private readonly _canvas = document.createElement('canvas');
  private readonly _engine = new LayoutEngine();
  private readonly _resize: ResizeObserver;
  private readonly _theme: MutationObserver;
  private readonly _cards = new Cards(document.createElement('div'), () => this.id);
  private _items: ReadonlyMap<string, IGraphItem> = new Map();
  private _edges: readonly IGraphEdge[] = [];
  private _shape = '';
  private _laid = EMPTY;
  private _path: ReadonlySet<string> = new Set();
  private _selected = '';
  private _direction: Direction = 'down';
  private _view: IViewport = { x: 0, y: 0, k: 1 };
  /** True while the whole graph is kept in sight. */
  private _follows = true;
  private _palette: Palette | null = null;
  private _frame = 0;
  private readonly _input = new GraphInput(this.node, this);
}
