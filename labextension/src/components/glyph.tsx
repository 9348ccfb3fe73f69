/**
 * The icons of the state vocabulary, drawn once for React, for graph cards and for cell marks.
 */
import type { JSX } from 'react';
import type { Phase } from '../api/schema';
import { PHASE_LOOKS, type Glyph } from '../model/phases';

interface IShape {
  readonly tag: 'circle' | 'path';
  readonly attributes: Readonly<Record<string, string>>;
}

const SVG = 'http://www.w3.org/2000/svg';
const LINE = { fill: 'none', stroke: 'currentColor', 'stroke-width': '1.6', 'stroke-linecap': 'round' };
const ON_DISC = {
  fill: 'none',
  stroke: 'var(--jp-layout-color1)',
  'stroke-width': '1.7',
  'stroke-linecap': 'round',
  'stroke-linejoin': 'round'
};

function circle(attributes: Readonly<Record<string, string>>, r = '6'): IShape {
  return { tag: 'circle', attributes: { cx: '8', cy: '8', r, ...attributes } };
}

function path(d: string, attributes: Readonly<Record<string, string>>): IShape {
  return { tag: 'path', attributes: { d, ...attributes } };
}

const DISC = circle({ fill: 'currentColor', stroke: 'none' }, '7');
const TRACK = circle({ ...LINE, 'stroke-opacity': '0.28', 'stroke-width': '2' });

/** An arc that begins at twelve o'clock; `share` from 0 to 1. */
function arc(share: number): IShape {
  const filled = String(Math.round(Math.min(Math.max(share, 0), 1) * 100));
  return circle({
    ...LINE,
    'stroke-width': '2',
    'stroke-linecap': 'butt',
    pathLength: '100',
    'stroke-dasharray': `${filled} 100`,
    transform: 'rotate(-90 8 8)'
  });
}

function shapes(glyph: Glyph, progress: number | null): readonly IShape[] {
  switch (glyph) {
    case 'dashed':
      return [circle({ ...LINE, 'stroke-width': '1.4', 'stroke-dasharray': '2.1 2.6' })];
    case 'clock':
      return [circle(LINE), path('M8 4.9V8l2.1 1.5', LINE)];
    case 'quarter':
      return [TRACK, arc(0.25)];
    case 'ring':
      return [TRACK, arc(progress ?? 0.25)];
    case 'upload':
      return [TRACK, path('M8 11.2V5.2M5.6 7.4 8 5l2.4 2.4', LINE)];
    case 'check':
      return [DISC, path('m4.9 8.2 2.1 2.2 4.1-4.5', ON_DISC)];
    case 'bolt':
      return [DISC, path('M8.8 3.5 5 8.7h2.5l-.4 3.8L11 7.2H8.4z', { fill: 'var(--jp-layout-color1)' })];
    case 'cross':
      return [DISC, path('m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8', ON_DISC)];
    case 'slash':
      return [DISC, path('m5 11 6-6', ON_DISC)];
    case 'hand':
      return [
        path(
          'M5.3 9.2V4.4m1.9 3.3V2.9m1.9 4.8V2.9M11 8V4.4m0 3.6v2.3c0 1.9-1.2 3.2-3 3.2-2.4 0-3-1.3-4.7-4.3-.6-1.1.6-1.7 1.2-.9l.8 1',
          { ...LINE, 'stroke-width': '1.4', 'stroke-linejoin': 'round' }
        )
      ];
    case 'dash':
      return [path('M4 8h8', { ...LINE, 'stroke-width': '2' })];
  }
}

/** Whether the icon turns: Provisioning always, Running only without a known progress. */
function turns(phase: Phase, progress: number | null): boolean {
  return phase === 'Provisioning' || (phase === 'Running' && progress === null);
}

/** Class names of the icon of a phase. */
export function glyphClass(phase: Phase, progress: number | null): string {
  const turning = turns(phase, progress) ? ' jp-argovx-turn' : '';
  return `jp-argovx-glyph jp-argovx-tone-${PHASE_LOOKS[phase].tone}${turning}`;
}

/** Done over total, or `null`. */
export function share(progress: readonly [number, number] | null): number | null {
  return progress ? progress[0] / progress[1] : null;
}

/** The icon as a DOM element, for what is not drawn by React. */
export function drawGlyph(phase: Phase, progress: number | null = null): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', glyphClass(phase, progress));
  for (const { tag, attributes } of shapes(PHASE_LOOKS[phase].glyph, progress)) {
    const shape = document.createElementNS(SVG, tag);
    Object.entries(attributes).forEach(([name, value]) => shape.setAttribute(name, value));
    svg.append(shape);
  }
  return svg;
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function props(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [camel(name), value]));
}

export interface IGlyphProps {
  readonly phase: Phase;
  readonly progress?: readonly [number, number] | null;
}

export function PhaseGlyph({ phase, progress = null }: IGlyphProps): JSX.Element {
  const done = share(progress);
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true" className={glyphClass(phase, done)}>
      {shapes(PHASE_LOOKS[phase].glyph, done).map(({ tag: Tag, attributes }, i) => (
        <Tag key={i} {...props(attributes)} />
      ))}
    </svg>
  );
}
