/**
 * The side panel: head, runs, and the lineage of what is selected.
 */
import type { JSX } from 'react';
import { ReactWidget, SidePanel } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';

import { ViewProvider, type IViewServices } from '../../components/context';
import { cutMiddle } from '../../format';
import { argovxIcon } from '../../icons';
import { LineageModel } from '../../model/lineage';
import { isPlannedId } from '../../model/reduce';
import { SelectedLineage } from '../../components/lineage';
import { Body } from './body';
import { Head } from './head';
import { SidebarModel } from './model';

/** Longest name in the title of a section at the least width. Unit: characters. */
const LABEL_MAX = 16;

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
    services.board.selectionChanged.connect((_, { run: id, node }) => {
      if (node) {
        this._model.unfold(id, true);
      }
    }, this);
    this._lineage = new LineageModel(services.client);
    this._section = new LineageSection(services, this._lineage);
    this.addWidget(this._section);
  }

  override dispose(): void {
    this._model.dispose();
    this._lineage.dispose();
    super.dispose();
  }

  private readonly _model: SidebarModel;
  private readonly _lineage: LineageModel;
  private readonly _section: LineageSection;
}

/** The lineage of what is selected; asks only while it is unfolded and on screen. */
class LineageSection extends ReactWidget {
  constructor(
    private readonly _services: IViewServices,
    private readonly _model: LineageModel
  ) {
    super();
    this.addClass('jp-argovx-section');
    this.title.label = _services.trans.__('Lineage');
    _services.board.selectionChanged.connect(this._follow, this);
  }

  protected override render(): JSX.Element {
    return (
      <ViewProvider value={this._services}>
        <SelectedLineage model={this._model} />
      </ViewProvider>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._follow();
  }

  protected override onBeforeHide(message: Message): void {
    super.onBeforeHide(message);
    this._follow(false);
  }

  private _follow(visible: unknown = true): void {
    const { board, trans } = this._services;
    const { run, node } = board.selection;
    const name = (board.node(run, node)?.name ?? node) || board.get(run)?.name;
    this.title.label = name ? trans.__('Lineage of %1', cutMiddle(name, LABEL_MAX)) : trans.__('Lineage');
    this.title.caption = name ? trans.__('Lineage of %1', name) : '';
    const asked = isPlannedId(run) || board.node(run, node)?.phase === 'Planned' ? '' : run;
    this._model.follow(asked, node, visible !== false && this.isVisible);
  }
}
