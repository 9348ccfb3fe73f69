/**
 * Where values come from and who used them, of one run or step, asked of both systems.
 */
import type { Lineage } from '../api/schema';
import type { IArgovxClient } from '../tokens';
import { Watch, type ITaken } from './watch';

/** Both systems are asked anew this often while somebody looks, in milliseconds. */
export const LINEAGE_PAUSE_MS = 5000;

export class LineageModel extends Watch {
  constructor(private readonly _client: IArgovxClient) {
    super(LINEAGE_PAUSE_MS);
  }

  /** `null` until the first answer. */
  get lineage(): Lineage | null {
    return this._lineage;
  }

  /** Follow a run, or one step of it; it has no end, since either system may change afterwards. */
  follow(run: string, node: string, active: boolean): void {
    this.watch({ run, node, execution: '' }, { active: active && run !== '', final: false });
  }

  protected reset(): void {
    this._lineage = null;
    this._text = '';
  }

  protected async ask(): Promise<() => ITaken> {
    const lineage = await this._client.lineage(this.target.run, this.target.node || undefined);
    const text = JSON.stringify(lineage);
    return () => {
      const news = text !== this._text;
      this._lineage = news ? lineage : this._lineage;
      this._text = text;
      return { news };
    };
  }

  private _lineage: Lineage | null = null;
  private _text = '';
}
