/**
 * Who acts, as three rows for a dialog: who submits, who runs, what steps may touch.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { Principal } from '../api/schema';

export function identityBody(principal: Principal, trans: TranslationBundle): Widget {
  const left = minutesLeft(principal.expires_at, Date.now());
  const had = principal.problem
    ? trans.__('no token: %1', principal.problem)
    : trans.__('by %1', principal.through);
  const google = principal.google || trans.__('a principal that is not known yet');
  const rows: readonly (readonly [string, readonly string[]])[] = [
    [trans.__('Submitter'), [principal.user, principal.account, trans.__('at Google %1', google), had]],
    [trans.__('Run as'), [principal.run_as]],
    [
      trans.__('Steps'),
      [
        trans.__('read %1', principal.may_read.join(', ')),
        trans.__('write %1', principal.may_write.join(', ')),
        left === null ? '' : trans.__('token good for %1 min', left),
        ...principal.scope.filter(place => place.includes(': '))
      ]
    ]
  ];
  const list = document.createElement('dl');
  list.className = 'jp-argovx-facts jp-argovx-identity';
  for (const [name, values] of rows) {
    const row = document.createElement('div');
    const [term, text] = [document.createElement('dt'), document.createElement('dd')];
    term.textContent = name;
    text.textContent = values.filter(value => value !== '').join('\n');
    row.append(term, text);
    list.append(row);
  }
  const widget = new Widget();
  widget.node.append(list);
  return widget;
}

/** Whole minutes until a token ends; `null` when its end is not known. */
function minutesLeft(end: string | null, now: number): number | null {
  return end === null ? null : Math.max(0, Math.floor((Date.parse(end) - now) / 60000));
}
