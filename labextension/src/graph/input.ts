/**
 * Pointer and keyboard over a graph, put into verbs: what to do is the view's.
 */
import type { IPoint } from './layout';
import type { Arrow } from './paths';

/** What the input asks for. Points are in pixels of the host. */
export interface IGraphVerbs {
  zoom(factor: number, at?: IPoint): void;
  /** Move the ground by a distance. */
  pan(by: IPoint): void;
  /** The node under a point; empty on the ground. */
  at(point: IPoint): string;
  choose(id: string): void;
  open(id: string): void;
  walk(key: Arrow): void;
  fitAll(): void;
  readonly selected: string;
}

/** How far the pointer moves before a press is a drag, in pixels. */
const DRAG_PX = 4;

export const EVENTS = [
  'wheel',
  'pointerdown',
  'pointermove',
  'pointerup',
  'pointercancel',
  'dblclick',
  'keydown'
] as const;

export class GraphInput {
  constructor(
    private readonly _host: HTMLElement,
    private readonly _verbs: IGraphVerbs
  ) {}

  handleEvent(event: Event): void {
    switch (event.type) {
      case 'wheel':
        this._onWheel(event as WheelEvent);
        break;
      case 'pointerdown':
        this._onDown(event as PointerEvent);
        break;
      case 'pointermove':
        this._onMove(event as PointerEvent);
        break;
      case 'pointerup':
        this._onUp(event as PointerEvent);
        break;
      case 'pointercancel':
        this._end();
        break;
      case 'dblclick':
        this._onOpen(event as MouseEvent);
        break;
      case 'keydown':
        this._onKey(event as KeyboardEvent);
        break;
    }
  }

  /** Listen; passive but where the page must not scroll or react as well. */
  attach(): void {
    for (const name of EVENTS) {
      this._host.addEventListener(name, this, { passive: name !== 'wheel' && name !== 'keydown' });
    }
  }

  detach(): void {
    EVENTS.forEach(name => this._host.removeEventListener(name, this));
  }

  private _point(event: MouseEvent): IPoint {
    const box = this._host.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private _onWheel(event: WheelEvent): void {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      this._verbs.zoom(Math.exp(-event.deltaY / 300), this._point(event));
    } else {
      this._verbs.pan({ x: -event.deltaX, y: -event.deltaY });
    }
  }

  private _onDown(event: PointerEvent): void {
    if (event.button === 0) {
      this._drag = { x: event.clientX, y: event.clientY, moved: false };
    } else if (event.button === 2) {
      const id = this._verbs.at(this._point(event));
      if (id) {
        this._verbs.choose(id); // the context menu is about what was clicked
      }
    }
  }

  private _onMove(event: PointerEvent): void {
    const drag = this._drag;
    if (!drag) {
      return;
    }
    const by = { x: event.clientX - drag.x, y: event.clientY - drag.y };
    if (!drag.moved && Math.hypot(by.x, by.y) > DRAG_PX) {
      drag.moved = true;
      this._host.setPointerCapture(event.pointerId);
      this._host.classList.add('jp-argovx-dragging');
    }
    if (drag.moved) {
      drag.x = event.clientX;
      drag.y = event.clientY;
      this._verbs.pan(by);
    }
  }

  private _onUp(event: PointerEvent): void {
    if (this._drag && !this._drag.moved) {
      this._verbs.choose(this._verbs.at(this._point(event)));
    }
    this._end();
  }

  private _end(): void {
    this._drag = null;
    this._host.classList.remove('jp-argovx-dragging');
  }

  private _onOpen(event: MouseEvent): void {
    const id = this._verbs.at(this._point(event));
    if (id) {
      this._verbs.open(id);
    }
  }

  private _onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    const act = this._keyAction(event.key);
    if (act) {
      event.preventDefault();
      event.stopPropagation();
      act();
    }
  }

  private _keyAction(key: string): (() => void) | null {
    const verbs = this._verbs;
    switch (key) {
      case 'ArrowUp':
      case 'ArrowDown':
      case 'ArrowLeft':
      case 'ArrowRight':
        return () => verbs.walk(key);
      case 'Enter':
        return verbs.selected ? () => verbs.open(verbs.selected) : null;
      case 'Escape':
        return verbs.selected ? () => verbs.choose('') : null;
      case '+':
      case '=':
        return () => verbs.zoom(1.25);
      case '-':
        return () => verbs.zoom(0.8);
      case '0':
        return () => verbs.fitAll();
      default:
        return null;
    }
  }

  private _drag: { x: number; y: number; moved: boolean } | null = null;
}
