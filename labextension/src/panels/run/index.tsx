/**
 * A run in the main area: graph or timeline at the left, inspector at the right.
 */
import type { JSX } from 'react';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { BoxPanel, SplitPanel } from '@lumino/widgets';

import { ViewProvider, type IViewServices } from '../../components/context';
import { stepItem } from '../../graph/item';
import type { GraphPane } from '../../graph/pane';
import { isActive } from '../../model/phases';
import { Head, Inspector } from './body';
import { RunViewModel } from './model';
import { RunViews } from './views';

export class RunPanel extends BoxPanel {
  constructor(services: IViewServices, run: string) {
    super({ direction: 'top-to-bottom', spacing: 0 });
    this.addClass('jp-argovx-view');
    const { trans } = services;
    this.model = new RunViewModel(services.board, services.client, run);
    const piece = (element: JSX.Element): ReactWidget =>
      ReactWidget.create(<ViewProvider value={services}>{element}</ViewProvider>);
    const head = piece(<Head model={this.model} />);
    head.addClass('jp-argovx-headpane');
    const inspector = piece(<Inspector model={this.model} />);
    inspector.addClass('jp-argovx-inspector');
    inspector.node.setAttribute('aria-label', trans.__('Inspector'));
    const views = new RunViews(services, this.model);
    this._pane = views.pane;
    const turn = (): void => {
      this._pane.graph.direction = services.look.direction;
    };
    turn();
    services.look.changed.connect(turn, this);
    const split = new SplitPanel({ orientation: 'horizontal', spacing: 1 });
    split.addWidget(views);
    split.addWidget(inspector);
    split.setRelativeSizes([2, 1]);
    this.addWidget(head);
    this.addWidget(split);
    BoxPanel.setStretch(head, 0);
    BoxPanel.setSizeBasis(head, 38);
    BoxPanel.setStretch(split, 1);
    this._pane.graph.picked.connect((_, id) => this.model.select(id));
    this._pane.graph.opened.connect((_, id) => {
      this.model.select(id);
      inspector.node.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
    });
    this.model.changed.connect(this._onChanged, this);
    this._onChanged();
  }

  readonly model: RunViewModel;

  override dispose(): void {
    clearInterval(this._clock);
    this.model.dispose();
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.model.visible = true;
  }

  protected override onBeforeHide(message: Message): void {
    this.model.visible = false;
    super.onBeforeHide(message);
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.model.visible = this.isVisible;
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this._pane.graph.node.focus();
  }

  private _onChanged(): void {
    const { run, node } = this.model;
    this._pane.graph.scope = run?.id ?? '';
    const edges = run?.edges ?? [];
    this._pane.graph.setData(
      (run?.nodes ?? []).map(item => stepItem(item, Date.now())),
      edges.map(edge => ({ source: edge.source, target: edge.target, label: edge.names.join(', ') }))
    );
    this._pane.graph.select(node?.id ?? '');
  }

  /** The times on the cards go on while something is under way and on screen. */
  private readonly _clock = setInterval(() => {
    if (this.isVisible && this.model.run?.nodes.some(node => isActive(node.phase))) {
      this._onChanged();
    }
  }, 1000);
  private readonly _pane: GraphPane;
}
