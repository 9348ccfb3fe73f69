/**
 * A graph with its few controls in the corner.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { PanelLayout, Widget } from '@lumino/widgets';

import { GraphView } from './view';

export class GraphPane extends Widget {
  constructor(trans: TranslationBundle, label: string) {
    super();
    this.addClass('jp-argovx-graphpane');
    const layout = (this.layout = new PanelLayout());
    this.graph = new GraphView(label);
    this.graph.id = `argovx-graph-${++count}`;
    layout.addWidget(this.graph);
    const controls = document.createElement('div');
    controls.className = 'jp-argovx-controls';
    const button = (sign: string, title: string, act: () => void): void => {
      const element = document.createElement('button');
      element.type = 'button';
      element.textContent = sign;
      element.title = title;
      element.setAttribute('aria-label', title);
      element.addEventListener('click', act);
      controls.append(element);
    };
    const { graph } = this;
    button('−', trans.__('Zoom out (-)'), () => graph.zoom(0.8));
    button('+', trans.__('Zoom in (+)'), () => graph.zoom(1.25));
    button('⤢', trans.__('Show all (0)'), () => graph.fitAll());
    button('⇄', trans.__('Turn: downwards or to the right'), () => {
      graph.direction = graph.direction === 'down' ? 'right' : 'down';
    });
    this.node.append(controls);
  }

  readonly graph: GraphView;
}

let count = 0;
