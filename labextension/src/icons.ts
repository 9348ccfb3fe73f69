/**
 * The icon of the panel: a fan-in of three steps, in the weight of JupyterLab's own.
 */
import { LabIcon } from '@jupyterlab/ui-components';

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M6.5 7.6h2.2c2.7 0 4 1.7 4.9 3.3h2.3v2.2h-2.3c-.9 1.6-2.2 3.3-4.9 3.3H6.5v-2h2.2c1.6 0 2.3-.9 3.2-2.4-.9-1.5-1.6-2.4-3.2-2.4H6.5z"/>
    <circle cx="5" cy="8.5" r="2.7"/><circle cx="5" cy="15.5" r="2.7"/><circle cx="18.3" cy="12" r="3.4"/>
  </g>
</svg>`;

export const argovxIcon = new LabIcon({ name: 'argovx-lab:panel', svgstr: SVG });
