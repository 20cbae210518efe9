// Axes around a plane: ticks with values where the file has them, names and units.

import type { AxisInfo } from './source';
import { valueAt } from './source';
import type { Theme } from './theme';
import { linearTicks } from './ticks';
import { words } from './scales';
import type { Viewport } from './viewport';

export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Mark {
  /** In rows or columns, where 0 is the first one's edge. */
  readonly at: number;
  readonly text: string;
}

const PIXELS_PER_TICK = 70;
const TICK = 4;

/** Ticks of one axis within the part of it that is seen. */
export function marks(axis: AxisInfo | undefined, low: number, high: number, count: number, pixels: number): Mark[] {
  const first = Math.max(0, low);
  const last = Math.min(count, high);
  const about = Math.max(2, pixels / PIXELS_PER_TICK);
  if (!(last > first)) {
    return [];
  }
  const values = axis?.values;
  if (values && 'step' in values && values.step !== 0) {
    const ends = [first - 0.5, last - 0.5].map((index) => values.first + index * values.step);
    return linearTicks(Math.min(...ends), Math.max(...ends), about).map(({ value, text }) => ({
      at: (value - values.first) / values.step + 0.5,
      text,
    }));
  }
  const whole = linearTicks(first - 0.5, last - 0.5, about).filter(({ value }) => Number.isInteger(value));
  return whole.map(({ value, text }) => ({
    at: value + 0.5,
    text: values ? words(valueAt(axis, value), 4) : text,
  }));
}

export function title(axis: AxisInfo | undefined, fallback: string): string {
  const name = axis?.name || fallback;
  return axis?.unit ? `${name} (${axis.unit})` : name;
}

export function drawAxes(
  context: CanvasRenderingContext2D,
  frame: Frame,
  viewport: Viewport,
  rows: { axis: AxisInfo | undefined; name: string },
  columns: { axis: AxisInfo | undefined; name: string },
  theme: Theme
): void {
  const { rect } = viewport;
  context.font = theme.font;
  context.fillStyle = theme.text;
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.strokeRect(frame.left - 0.5, frame.top - 0.5, frame.width + 1, frame.height + 1);
  across(context, frame, viewport, marks(columns.axis, rect.column0, rect.column1, viewport.columns, frame.width));
  down(context, frame, viewport, marks(rows.axis, rect.row0, rect.row1, viewport.rows, frame.height));
  context.textAlign = 'center';
  context.textBaseline = 'bottom';
  context.fillText(title(columns.axis, columns.name), frame.left + frame.width / 2, frame.top + frame.height + 34, frame.width);
  context.save();
  context.translate(2, frame.top + frame.height / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = 'top';
  context.fillText(title(rows.axis, rows.name), 0, 0, frame.height);
  context.restore();
}

function across(context: CanvasRenderingContext2D, frame: Frame, viewport: Viewport, ticks: readonly Mark[]): void {
  const bottom = frame.top + frame.height;
  context.textAlign = 'center';
  context.textBaseline = 'top';
  let free = frame.left - 20;
  for (const { at, text } of ticks) {
    const x = Math.round(frame.left + viewport.toScreen(0, at).x) + 0.5;
    stroke(context, x, bottom, x, bottom + TICK);
    const half = context.measureText(text).width / 2;
    if (x - half > free) {
      context.fillText(text, x, bottom + TICK + 2);
      free = x + half + 6;
    }
  }
}

function down(context: CanvasRenderingContext2D, frame: Frame, viewport: Viewport, ticks: readonly Mark[]): void {
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (const { at, text } of ticks) {
    const y = Math.round(frame.top + viewport.toScreen(at, 0).y) + 0.5;
    stroke(context, frame.left - TICK, y, frame.left, y);
    context.fillText(text, frame.left - TICK - 2, y, frame.left - TICK - 18);
  }
}

function stroke(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
