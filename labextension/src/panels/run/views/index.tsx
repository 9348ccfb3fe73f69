/**
 * The left two thirds of a run view: its graph, or its timeline.
 */
import type { JSX } from 'react';
import { ReactWidget } from '@jupyterlab/ui-components';
import { BoxPanel, StackedPanel } from '@lumino/widgets';

import { useServices, ViewProvider, type IViewServices } from '../../../components/context';
import { TabList } from '../../../components/tabs';
import { GraphPane } from '../../../graph/pane';
import { useSignal } from '../../../hooks';
import { VIEWS, type RunViewModel, type View } from '../model';
import { Timeline } from './timeline';

function Switch({ model }: { readonly model: RunViewModel }): JSX.Element {
  const { trans } = useServices();
  useSignal(model.changed);
  const words: Readonly<Record<View, string>> = { graph: trans.__('Graph'), timeline: trans.__('Timeline') };
  return (
    <TabList
      label={trans.__('View')}
      names={VIEWS}
      words={words}
      chosen={model.view}
      data="view"
      onChoose={view => (model.view = view)}
    />
  );
}

export class RunViews extends BoxPanel {
  constructor(
    services: IViewServices,
    private readonly _model: RunViewModel
  ) {
    super({ direction: 'top-to-bottom', spacing: 0 });
    this.addClass('jp-argovx-views');
    const { trans } = services;
    const piece = (element: JSX.Element): ReactWidget =>
      ReactWidget.create(<ViewProvider value={services}>{element}</ViewProvider>);
    const head = piece(<Switch model={_model} />);
    head.addClass('jp-argovx-viewswitch');
    this.pane = new GraphPane(trans, trans.__('Steps; arrows follow the edges'));
    this._timeline = piece(<Timeline model={_model} />);
    this._timeline.addClass('jp-argovx-timelinepane');
    const stack = new StackedPanel();
    stack.addWidget(this.pane);
    stack.addWidget(this._timeline);
    this.addWidget(head);
    this.addWidget(stack);
    BoxPanel.setStretch(head, 0);
    BoxPanel.setSizeBasis(head, 34);
    BoxPanel.setStretch(stack, 1);
    _model.changed.connect(this._onChanged, this);
    this._onChanged();
  }

  readonly pane: GraphPane;

  private _onChanged(): void {
    this.pane.setHidden(this._model.view !== 'graph');
    this._timeline.setHidden(this._model.view !== 'timeline');
  }

  private readonly _timeline: ReactWidget;
}
