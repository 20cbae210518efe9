// A curve on a canvas, with axes: what is drawn of a line of values.

import { type Frame, marks, title } from './axes';
import { sized } from './dom';
import { forward, type Limits, usable } from './scales';
import type { AxisInfo, Scale } from './source';
import type { Theme } from './theme';
import { scaleTicks } from './ticks';

export interface Curve {
  readonly values: ArrayLike<number>;
  /** A band: `values` are the least ones of each `step` indices, and these the greatest. */
  readonly highs?: ArrayLike<number>;
  /** The index of the first value, and how many indices lie between two. */
  readonly first: number;
  readonly step: number;
  readonly size: number;
  readonly axis: AxisInfo | undefined;
  readonly name: string;
  readonly scale: Scale;
}

/** Pixels of a band whose values are all the same. */
const THIN = 1.5;

export const MARGIN = { left: 76, top: 14, right: 18, bottom: 42 };

export function drawCurve(canvas: HTMLCanvasElement, curve: Curve, seen: Limits, theme: Theme, pointed: number | null): void {
  const { clientWidth, clientHeight } = canvas;
  const ratio = sized(canvas, clientWidth, clientHeight);
  const context = canvas.getContext('2d');
  if (!context) {
    return;
  }
  const frame = frameOf(clientWidth, clientHeight);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, clientWidth, clientHeight);
  const limits = usable(curve.scale, limitsOf(curve));
  const y = vertical(curve.scale, limits, frame);
  const x = (index: number) => frame.left + ((index + 0.5 - seen.low) / (seen.high - seen.low)) * frame.width;
  drawFrame(context, frame, curve, seen, limits, y, theme);
  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top, frame.width, frame.height);
  context.clip();
  if (curve.highs) {
    drawBand(context, frame, { ...curve, highs: curve.highs }, x, y, theme);
  } else {
    drawPoints(context, curve, x, y, theme);
  }
  if (pointed !== null) {
    context.strokeStyle = theme.faint;
    context.strokeRect(x(pointed), frame.top, 0, frame.height);
  }
  context.restore();
}

export function frameOf(width: number, height: number): Frame {
  const { left, top, right, bottom } = MARGIN;
  return { left, top, width: Math.max(1, width - left - right), height: Math.max(1, height - top - bottom) };
}

function limitsOf({ values, highs }: Curve): Limits {
  let [low, high] = [Infinity, -Infinity];
  for (const each of highs ? [values, highs] : [values]) {
    for (let i = 0; i < each.length; i++) {
      const value = each[i] ?? NaN;
      if (Number.isFinite(value)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  }
  if (!(low <= high)) {
    return { low: 0, high: 1 };
  }
  return low === high ? { low: low - 0.5, high: high + 0.5 } : { low, high };
}

function vertical(scale: Scale, limits: Limits, frame: Frame): (value: number) => number {
  const [low, high] = [forward(scale, limits.low), forward(scale, limits.high)];
  const room = 0.04 * (high - low);
  return (value) => frame.top + frame.height * (1 - (forward(scale, value) - low + room) / (high - low + 2 * room));
}

function drawFrame(
  context: CanvasRenderingContext2D,
  frame: Frame,
  curve: Curve,
  seen: Limits,
  limits: Limits,
  y: (value: number) => number,
  theme: Theme
): void {
  const bottom = frame.top + frame.height;
  context.font = theme.font;
  context.fillStyle = theme.text;
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.strokeRect(frame.left, frame.top, frame.width, frame.height);
  context.textAlign = 'center';
  context.textBaseline = 'top';
  for (const { at, text } of marks(curve.axis, seen.low, seen.high, curve.size, frame.width)) {
    const x = frame.left + ((at - seen.low) / (seen.high - seen.low)) * frame.width;
    context.strokeRect(x, bottom, 0, 4);
    context.fillText(text, x, bottom + 6);
  }
  context.fillText(title(curve.axis, curve.name), frame.left + frame.width / 2, bottom + 23);
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (const { value, text } of scaleTicks(curve.scale, limits, frame.height / 50)) {
    context.strokeRect(frame.left - 4, y(value), 4, 0);
    context.fillText(text, frame.left - 8, y(value));
  }
}

/** What is no number, or has no place on the scale, breaks the line; a single value is a dot. */
function drawPoints(
  context: CanvasRenderingContext2D,
  curve: Curve,
  x: (index: number) => number,
  y: (value: number) => number,
  theme: Theme
): void {
  context.strokeStyle = context.fillStyle = theme.accent;
  context.lineWidth = 1.5;
  context.lineJoin = 'round';
  context.beginPath();
  const apart = curve.values.length > 1 ? Math.abs(x(curve.step) - x(0)) : Infinity;
  let drawing = false;
  for (let i = 0; i < curve.values.length; i++) {
    const place = y(curve.values[i] ?? NaN);
    const across = x(curve.first + i * curve.step);
    if (Number.isFinite(place)) {
      if (drawing) {
        context.lineTo(across, place);
      } else {
        context.moveTo(across, place);
      }
      if (apart > 10) {
        context.fillRect(across - 2, place - 2, 4, 4);
      }
    }
    drawing = Number.isFinite(place);
  }
  context.stroke();
}

/** From the least to the greatest value, bucket by bucket; neighbours are joined, as a line would be. */
function drawBand(
  context: CanvasRenderingContext2D,
  frame: Frame,
  { values, highs, first, step, size }: Curve & { readonly highs: ArrayLike<number> },
  x: (index: number) => number,
  y: (value: number) => number,
  theme: Theme
): void {
  // An infinity, and what a logarithm has no place for, is at the edge.
  const within = (place: number) =>
    Math.max(frame.top, Math.min(frame.top + frame.height, Number.isNaN(place) ? Infinity : place));
  context.fillStyle = theme.accent;
  let before: { readonly top: number; readonly bottom: number } | null = null;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(y(highs[i] ?? NaN))) {
      before = null;
      continue;
    }
    const here = { top: within(y(highs[i] ?? NaN)), bottom: within(y(values[i] ?? NaN)) };
    const top = Math.min(here.top, before?.bottom ?? here.top);
    const bottom = Math.max(here.bottom, before?.top ?? here.bottom);
    const left = x(first + i * step - 0.5);
    const right = x(Math.min(first + (i + 1) * step, size) - 0.5);
    context.fillRect(left, top - THIN / 2, Math.max(THIN, right - left), bottom - top + THIN);
    before = here;
  }
}
