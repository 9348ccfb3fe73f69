/**
 * The side panel: head, runs, and the lineage of what is selected.
 */
import { ReactWidget, SidePanel } from '@jupyterlab/ui-components';

import { ViewProvider, type IViewServices } from '../../components/context';
import { argovxIcon } from '../../icons';
import { Body } from './body';
import { Head } from './head';
import { SidebarModel } from './model';

/** A piece of React that is handed the view services. */
function piece(services: IViewServices, element: JSX.Element): ReactWidget {
  return ReactWidget.create(<ViewProvider value={services}>{element}</ViewProvider>);
}

export class Sidebar extends SidePanel {
  constructor(services: IViewServices) {
    super();
    const { trans } = services;
    this.id = 'argovx-panel';
    this.addClass('jp-argovx-sidebar');
    this.title.icon = argovxIcon;
    this.title.caption = trans.__('Argo VX: runs, graphs and lineage');
    this.node.setAttribute('aria-label', trans.__('Argo VX'));
    this._model = new SidebarModel();
    this.header.addWidget(piece(services, <Head model={this._model} />));
    const runs = piece(services, <Body model={this._model} />);
    runs.title.label = trans.__('Runs');
    runs.addClass('jp-argovx-section');
    this.addWidget(runs);
  }

  override dispose(): void {
    this._model.dispose();
    super.dispose();
  }

  private readonly _model: SidebarModel;
}
