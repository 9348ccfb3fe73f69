/**
 * A readable node: one DOM element, changed in place so that nothing flickers.
 *
 * All text goes through `textContent`; names come from notebooks and clusters.
 */
import { drawGlyph, share } from '../components/glyph';
import { drawCut } from '../components/cut';
import { sameItem, type IGraphItem } from './item';
import type { IPoint } from './layout';

/** Size of a card, in pixels. */
export const CARD = { width: 216, height: 54 } as const;

function part(name: string): HTMLElement {
  const element = document.createElement('div');
  element.className = `jp-argovx-card-${name}`;
  return element;
}

export class Card {
  constructor(
    item: IGraphItem,
    readonly id: string,
    private readonly _scope: string
  ) {
    this.node = part('node');
    this.node.className = 'jp-argovx-card';
    this.node.id = id;
    this.node.setAttribute('role', 'option');
    this._head.append(this._title, this._badge, this._time);
    this._text.append(this._head, this._line);
    this._foot.append(this._bar);
    this.node.append(this._icon, this._text, this._foot);
    this.update(item);
  }

  readonly node: HTMLElement;

  update(item: IGraphItem): void {
    if (this._item && sameItem(this._item, item)) {
      return;
    }
    this._item = item;
    const { dataset } = this.node;
    dataset.argovxNode = item.id;
    if (this._scope) {
      dataset.argovxRun = this._scope;
    }
    dataset.argovxKind = item.kind;
    if (item.phase) {
      dataset.argovxPhase = item.phase;
    }
    const flags = `${item.planned ? ' jp-argovx-planned' : ''}${item.bad ? ' jp-argovx-isbad' : ''}`;
    const selected = this.node.classList.contains('jp-argovx-selected') ? ' jp-argovx-selected' : '';
    this.node.className = `jp-argovx-card jp-argovx-card-${item.kind} jp-argovx-tone-${item.tone}${flags}${selected}`;
    this.node.setAttribute('aria-label', item.hint);
    this.node.title = item.hint;
    drawCut(this._title, item.title);
    this._line.textContent = item.line;
    this._badge.textContent = item.badge;
    this._time.textContent = item.time;
    const done = share(item.progress);
    this._icon.replaceChildren(...(item.phase ? [drawGlyph(item.phase, done)] : []));
    this._foot.hidden = done === null;
    this._bar.style.width = `${Math.round((done ?? 0) * 1000) / 10}%`;
  }

  move(at: IPoint): void {
    this.node.style.transform = `translate(${at.x}px, ${at.y}px)`;
  }

  select(selected: boolean): void {
    this.node.classList.toggle('jp-argovx-selected', selected);
    this.node.setAttribute('aria-selected', String(selected));
  }

  private _item: IGraphItem | null = null;
  private readonly _icon = part('icon');
  private readonly _text = part('text');
  private readonly _title = part('title');
  private readonly _line = part('line');
  private readonly _head = part('head');
  private readonly _badge = part('badge');
  private readonly _time = part('time');
  private readonly _foot = part('foot');
  private readonly _bar = part('bar');
}
