/**
 * The plugins of argovx-lab. This file only wires.
 */
import { core } from './plugins/core';
import { notebook } from './plugins/notebook';
import { panels } from './plugins/panels';

export default [...core, ...panels, notebook];
