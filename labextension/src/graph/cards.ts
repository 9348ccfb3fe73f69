/**
 * The cards that are on screen: made when they come into sight, gone when they leave it.
 */
import { Card } from './card';
import type { IGraphItem } from './item';
import type { IPoint } from './layout';

export interface ICardScene {
  /** Ids of the cards in sight. */
  readonly shown: readonly string[];
  readonly items: ReadonlyMap<string, IGraphItem>;
  readonly places: Readonly<Record<string, IPoint>>;
  readonly selected: string;
}

export class Cards {
  /**
   * @param layer the element that the cards lie on
   * @param _prefix what their ids begin with
   */
  constructor(
    readonly layer: HTMLElement,
    private readonly _prefix: () => string
  ) {}

  /** Belong to another run, for context menus; tells whether that is news. */
  rescope(scope: string): boolean {
    if (scope === this._scope) {
      return false;
    }
    this._scope = scope;
    this._cards.forEach(card => card.node.remove());
    this._cards.clear();
    return true;
  }

  /** Show what is in sight; returns the id of the selected card's element, empty when it is not. */
  show({ shown, items, places, selected }: ICardScene): string {
    const wanted = new Set(shown);
    for (const [id, card] of this._cards) {
      if (!wanted.has(id)) {
        card.node.remove();
        this._cards.delete(id);
      }
    }
    for (const id of shown) {
      const [item, at] = [items.get(id), places[id]];
      if (item && at) {
        const card = this._card(id, item);
        card.update(item);
        card.move(at);
        card.select(id === selected);
      }
    }
    return this._cards.get(selected)?.id ?? '';
  }

  private _card(id: string, item: IGraphItem): Card {
    let card = this._cards.get(id);
    if (!card) {
      card = new Card(item, `${this._prefix()}-card-${CSS.escape(id)}`, this._scope);
      this._cards.set(id, card);
      this.layer.append(card.node);
    }
    return card;
  }

  private readonly _cards = new Map<string, Card>();
  private _scope = '';
}
