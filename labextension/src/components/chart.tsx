/**
 * One metric as a curve. uPlot is loaded when the first curve is drawn.
 */
import { useEffect, useRef, type JSX } from 'react';
import type uPlot from 'uplot';

import { metric } from '../format';

const HEIGHT_PX = 128;

function options(host: HTMLElement, name: string, sync: string): uPlot.Options {
  // Asked at every drawing: the theme may have changed.
  const color = (variable: string) => (): string => getComputedStyle(host).getPropertyValue(variable).trim();
  const axis = (): uPlot.Axis => ({
    stroke: color('--jp-ui-font-color2'),
    font: `11px ${getComputedStyle(host).fontFamily}`,
    grid: { stroke: color('--jp-border-color3'), width: 1 },
    ticks: { stroke: color('--jp-border-color3'), width: 1, size: 4 },
    gap: 4
  });
  return {
    width: Math.max(host.clientWidth, 50),
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { sync: { key: sync }, points: { size: 6 }, drag: { x: true, y: false } },
    scales: { x: { time: false } },
    axes: [
      { ...axis(), size: 24 },
      { ...axis(), size: 52, values: (_, values) => values.map(metric) }
    ],
    series: [{}, { label: name, stroke: color('--jp-brand-color1'), width: 1.75, points: { show: false } }]
  };
}

export interface IChartProps {
  readonly name: string;
  readonly data: readonly [number[], number[]];
  /** Charts with the same key share their cursor. */
  readonly sync: string;
  onCursor(index: number | null): void;
}

export function Chart({ name, data, sync, onCursor }: IChartProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef({ data, onCursor });
  latest.current = { data, onCursor };

  useEffect(() => {
    const element = host.current;
    if (!element) {
      return;
    }
    let disposed = false;
    const draw = async (): Promise<void> => {
      const { default: Plot } = await import('uplot');
      if (disposed) {
        return;
      }
      const hooks = {
        setCursor: [(plot: uPlot) => latest.current.onCursor(plot.cursor.idx ?? null)]
      };
      const [x, y] = latest.current.data;
      chart.current = new Plot({ ...options(element, name, sync), hooks }, [x, y], element);
    };
    const resize = new ResizeObserver(() => {
      chart.current?.setSize({ width: Math.max(element.clientWidth, 50), height: HEIGHT_PX });
    });
    const theme = new MutationObserver(() => chart.current?.redraw(false, true));
    theme.observe(document.body, { attributeFilter: ['data-jp-theme-name'] });
    resize.observe(element);
    void draw();
    return () => {
      disposed = true;
      resize.disconnect();
      theme.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, [name, sync]);

  useEffect(() => chart.current?.setData([data[0], data[1]]), [data]);

  return <div ref={host} className="jp-argovx-chart" data-argovx-points={data[0].length} />;
}
