/**
 * A curve in the size of a word: pure.
 */

/** A curve in the size of a word, drawn without a library. */
export function sparkline(values: readonly number[], width: number, height: number): string {
  const finite = values.filter(Number.isFinite);
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  const span = most - least || 1;
  const step = finite.length > 1 ? width / (finite.length - 1) : 0;
  return finite
    .map(
      (value, i) =>
        `${(i * step).toFixed(1)},${(height - 1 - ((value - least) / span) * (height - 2)).toFixed(1)}`
    )
    .join(' ');
}
