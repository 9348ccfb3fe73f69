/**
 * A row of tabs: arrow keys move, one of them takes part in the tab order.
 */
import type { JSX } from 'react';

export interface ITabListProps<T extends string> {
  readonly names: readonly T[];
  readonly words: Readonly<Record<T, string>>;
  readonly chosen: T;
  readonly label: string;
  /** What the buttons are marked with: `data-argovx-…`. */
  readonly data: 'tab' | 'view';
  onChoose(name: T): void;
}

export function TabList<T extends string>(props: ITabListProps<T>): JSX.Element {
  const { names, words, chosen, label, data, onChoose } = props;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const move = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const next = names[names.indexOf(chosen) + move];
    if (move !== 0 && next) {
      event.preventDefault();
      onChoose(next);
      event.currentTarget.querySelector<HTMLElement>(`[data-argovx-${data}="${next}"]`)?.focus();
    }
  };
  return (
    <div className="jp-argovx-tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
      {names.map(name => (
        <button
          key={name}
          type="button"
          role="tab"
          aria-selected={name === chosen}
          tabIndex={name === chosen ? 0 : -1}
          {...{ [`data-argovx-${data}`]: name }}
          onClick={() => onChoose(name)}
        >
          {words[name]}
        </button>
      ))}
    </div>
  );
}
