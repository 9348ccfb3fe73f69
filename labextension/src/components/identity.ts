/**
 * Who acts, as a table for a dialog.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { Principal } from '../api/schema';

export function identityBody(principal: Principal, trans: TranslationBundle): Widget {
  const rows: readonly (readonly [string, string])[] = [
    [trans.__('Person'), principal.user],
    [trans.__('Kubernetes account'), principal.account],
    [trans.__('Google principal'), principal.google],
    [trans.__('Jobs run as'), principal.run_as],
    [trans.__('Token from'), principal.through],
    [trans.__('Valid until'), principal.expires_at ? new Date(principal.expires_at).toLocaleString() : ''],
    [trans.__('May read'), principal.may_read.join('\n')],
    [trans.__('May write'), principal.may_write.join('\n')]
  ];
  const list = document.createElement('dl');
  list.className = 'jp-argovx-facts jp-argovx-identity';
  for (const [name, value] of rows.filter(row => row[1] !== '')) {
    const row = document.createElement('div');
    const [term, text] = [document.createElement('dt'), document.createElement('dd')];
    term.textContent = name;
    text.textContent = value;
    row.append(term, text);
    list.append(row);
  }
  const widget = new Widget();
  widget.node.append(list);
  return widget;
}
