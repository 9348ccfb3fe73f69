/**
 * One answer about one step, asked for while somebody looks: its events, its spec.
 */
import { Watch, type ITaken, type IWatchState, type IWatchTarget } from './watch';

/** How often an answer that may still grow is asked for again, in milliseconds. */
export const DETAIL_PAUSE_MS = 2000;

export class DetailModel<T> extends Watch {
  constructor(private readonly _question: (run: string, node: string) => Promise<T>) {
    super(DETAIL_PAUSE_MS);
  }

  /** `null` until the first answer. */
  get value(): T | null {
    return this._value;
  }

  /** Ask about a step. */
  follow(target: IWatchTarget, state: IWatchState): void {
    this.watch(target, { ...state, active: state.active && target.node !== '' });
  }

  protected reset(): void {
    this._value = null;
    this._text = '';
  }

  protected async ask(): Promise<() => ITaken> {
    const value = await this._question(this.target.run, this.target.node);
    const text = JSON.stringify(value);
    return () => {
      const news = text !== this._text;
      this._value = news ? value : this._value;
      this._text = text;
      return { news };
    };
  }

  private _value: T | null = null;
  private _text = '';
}
