/**
 * The keyboard in the tree of runs and steps: which row is next. Pure, so that it is tried by tables.
 */

/** One visible row, in reading order. */
export interface IRow {
  readonly run: string;
  /** Empty on the row of the run itself. */
  readonly node: string;
  /** Whether a run's row is unfolded; `null` on steps. */
  readonly open: boolean | null;
}

export type TreeMove =
  | { readonly kind: 'focus'; readonly row: IRow }
  | { readonly kind: 'unfold'; readonly run: string; readonly open: boolean }
  | { readonly kind: 'open'; readonly row: IRow };

/** What a key does on row `at`; `null` when the key is not ours. */
export function treeMove(rows: readonly IRow[], at: number, key: string): TreeMove | null {
  const row = rows[at];
  if (!row) {
    return null;
  }
  const focus = (i: number): TreeMove | null => {
    const next = rows[Math.min(Math.max(i, 0), rows.length - 1)];
    return next ? { kind: 'focus', row: next } : null;
  };
  switch (key) {
    case 'ArrowDown':
      return focus(at + 1);
    case 'ArrowUp':
      return focus(at - 1);
    case 'Home':
      return focus(0);
    case 'End':
      return focus(rows.length - 1);
    case 'ArrowRight':
      if (row.open === null) {
        return null;
      }
      return row.open ? focus(at + 1) : { kind: 'unfold', run: row.run, open: true };
    case 'ArrowLeft':
      if (row.open) {
        return { kind: 'unfold', run: row.run, open: false };
      }
      return row.node ? focus(rows.findIndex(item => item.run === row.run && !item.node)) : null;
    case 'Enter':
    case ' ':
      return { kind: 'open', row };
    default:
      return null;
  }
}
