// A course on a canvas: a band from the least to the greatest value, and a line of means.

import { sized } from './dom';
import { forward, usable } from './scales';
import type { CoursePoint, Scale } from './source';
import type { Theme } from './theme';

/** From the end of a slider to the middle of its thumb there. */
export const THUMB = 8;
const ROOM = 4;
const BAND = 0.3;

export interface Drawn {
  readonly points: readonly CoursePoint[];
  readonly size: number;
  readonly scale: Scale;
}

interface Place {
  readonly x: number;
  readonly low: number;
  readonly high: number;
  readonly mean: number;
}

/** Where an index is, on a canvas or a slider of this width. */
export function across(index: number, size: number, width: number): number {
  return size > 1 ? THUMB + (index / (size - 1)) * (width - 2 * THUMB) : width / 2;
}

export function indexAt(x: number, size: number, width: number): number {
  const index = Math.round(((x - THUMB) / Math.max(1, width - 2 * THUMB)) * (size - 1));
  return Math.max(0, Math.min(size - 1, index));
}

export function drawCourse(canvas: HTMLCanvasElement, drawn: Drawn, theme: Theme): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext('2d');
  if (!context || width < 2) {
    return;
  }
  const ratio = sized(canvas, width, height);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.fillStyle = context.strokeStyle = theme.accent;
  context.lineWidth = 1.5;
  context.lineJoin = 'round';
  for (const run of runsOf(drawn, width, height)) {
    drawRun(context, run);
  }
}

/** Parts between slices in which nothing is a number, or has a place on the scale. */
function runsOf({ points, size, scale }: Drawn, width: number, height: number): Place[][] {
  const ends = points.flatMap(({ low, high }) => [low, high]).filter((one): one is number => one !== null);
  const positive = scale === 'log' ? ends.filter((end) => end > 0) : ends;
  const limits = usable(scale, extent(positive));
  const [bottom, top] = [forward(scale, limits.low), forward(scale, limits.high)];
  const y = (value: number | null) => {
    const place = value === null ? NaN : forward(scale, value);
    return height - ROOM - ((place - bottom) / (top - bottom)) * (height - 2 * ROOM);
  };
  const runs: Place[][] = [];
  let run: Place[] = [];
  for (const { index, low, high, mean } of points) {
    const place = { x: across(index, size, width), low: y(low), high: y(high), mean: y(mean) };
    if (Number.isNaN(place.high)) {
      runs.push(run);
      run = [];
    } else {
      // Below what a logarithm has a place for, the band goes on to the edge.
      run.push({ ...place, low: Number.isNaN(place.low) ? height : place.low });
    }
  }
  return [...runs, run].filter(({ length }) => length > 0);
}

function extent(values: readonly number[]): { low: number; high: number } {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low < high ? { low, high } : { low: (low || 0) - 0.5, high: (low || 0) + 0.5 };
}

function drawRun(context: CanvasRenderingContext2D, run: readonly Place[]): void {
  const [first] = run;
  if (run.length === 1 && first) {
    context.globalAlpha = BAND;
    context.fillRect(first.x - 1.5, first.high, 3, Math.max(1, first.low - first.high));
    context.globalAlpha = 1;
    context.fillRect(first.x - 1.5, first.mean - 1.5, 3, 3);
    return;
  }
  context.beginPath();
  run.forEach(({ x, high }) => context.lineTo(x, high));
  [...run].reverse().forEach(({ x, low }) => context.lineTo(x, low));
  context.closePath();
  context.globalAlpha = BAND;
  context.fill();
  context.globalAlpha = 1;
  context.beginPath();
  // A mean that has no place on the scale leaves a gap.
  let drawing = false;
  for (const { x, mean } of run) {
    const there = Number.isFinite(mean);
    if (there) {
      context[drawing ? 'lineTo' : 'moveTo'](x, mean);
    }
    drawing = there;
  }
  context.stroke();
}
