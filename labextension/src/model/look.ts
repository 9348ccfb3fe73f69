/**
 * What the user set about how things look.
 */
import { Signal, type ISignal } from '@lumino/signaling';

import type { Direction } from '../graph/layout';

export class Look {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Where the arrows of a run's graph point. */
  get direction(): Direction {
    return this._direction;
  }

  set direction(direction: Direction) {
    if (direction !== this._direction) {
      this._direction = direction;
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _direction: Direction = 'down';
}
