/**
 * The renderer of `application/vnd.argovx.run+json`.
 */
import type { JSX } from 'react';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';

import { ViewProvider, type IViewServices } from '../components/context';
import { Strip } from './body';
import { MIME_TYPE, readBundle } from './bundle';
import { StripModel } from './model';

export class RunStrip extends ReactWidget implements IRenderMime.IRenderer {
  constructor(private readonly _services: IViewServices) {
    super();
    this.addClass('jp-argovx-strip');
    this._model = new StripModel(_services.client, _services.board.runs);
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const bundle = readBundle(model.data[MIME_TYPE]);
    const known = this._model.bundle;
    if (!known || known.run !== bundle?.run || known.node !== bundle.node || !this._model.live) {
      this._model.bundle = bundle;
    }
    return this.renderPromise ?? Promise.resolve();
  }

  override dispose(): void {
    this._model.dispose();
    super.dispose();
  }

  protected override render(): JSX.Element {
    return (
      <ViewProvider value={this._services}>
        <Strip model={this._model} />
      </ViewProvider>
    );
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._model.visible = true;
  }

  protected override onBeforeDetach(message: Message): void {
    this._model.visible = false;
    super.onBeforeDetach(message);
  }

  private readonly _model: StripModel;
}

/** The factory; its rank is below HTML's 50, or the fallback would win. */
export function stripFactory(services: IViewServices): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME_TYPE],
    defaultRank: 40,
    createRenderer: () => new RunStrip(services)
  };
}
