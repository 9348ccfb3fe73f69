/**
 * Lineage in the main area: findings above, the graph of artifacts and executions below.
 */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { Panel } from '@lumino/widgets';

import { ViewProvider, type IViewServices } from '../../components/context';
import { lineageGraph } from '../../graph/lineageItems';
import { GraphPane } from '../../graph/pane';
import { Body } from './body';
import { LineageViewModel } from './model';

export class LineagePanel extends Panel {
  constructor(services: IViewServices, run: string, node: string) {
    super();
    this.addClass('jp-argovx-view');
    this.addClass('jp-argovx-lineageview');
    const { trans } = services;
    this.model = new LineageViewModel(services.client, run, node);
    const head = ReactWidget.create(
      <ViewProvider value={services}>
        <Body model={this.model} />
      </ViewProvider>
    );
    this._pane = new GraphPane(trans, trans.__('Lineage; arrows follow the edges'));
    this._pane.graph.direction = 'right';
    this.addWidget(head);
    this.addWidget(this._pane);
    this.model.changed.connect(this._onChanged, this);
  }

  readonly model: LineageViewModel;

  override dispose(): void {
    this.model.dispose();
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.model.visible = this.isVisible;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.model.visible = true;
  }

  protected override onBeforeHide(message: Message): void {
    this.model.visible = false;
    super.onBeforeHide(message);
  }

  private _onChanged(): void {
    const { lineage } = this.model.lineage;
    if (lineage) {
      const { items, edges } = lineageGraph(lineage);
      this._pane.graph.setData(items, edges);
    }
  }

  private readonly _pane: GraphPane;
}
