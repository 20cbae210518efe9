// Where an axis has its ticks, and what stands beside them.

import { forward, inverse, type Limits } from './scales';
import type { Scale } from './source';

export interface Tick {
  readonly value: number;
  readonly text: string;
}

/** Round numbers between two values, about as many as asked for. */
export function linearTicks(low: number, high: number, about: number): Tick[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) {
    return Number.isFinite(low) ? [{ value: low, text: plain(low, 0) }] : [];
  }
  const step = roundStep(span / Math.max(1, about));
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks: Tick[] = [];
  for (let i = first; i <= last && ticks.length < 100; i++) {
    const value = i * step;
    ticks.push({ value, text: plain(value, decimals, Math.max(Math.abs(low), Math.abs(high))) });
  }
  return ticks;
}

/** 1, 2 or 5 times a power of ten. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((one) => one * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function plain(value: number, decimals: number, largest = Math.abs(value)): string {
  const text =
    value !== 0 && (largest >= 1e6 || largest < 1e-3)
      ? shortExponent(value, largest, decimals)
      : value.toFixed(Math.min(decimals, 12));
  return text.replace(/-/g, '−');
}

function shortExponent(value: number, largest: number, decimals: number): string {
  const digits = Math.max(0, Math.min(12, Math.floor(Math.log10(largest)) + decimals));
  const [mantissa = '', exponent = '0'] = value.toExponential(digits).split('e');
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return `${short}e${Number(exponent)}`;
}

/** Ticks of a colour scale: powers of ten for logarithms that span some. */
export function scaleTicks(scale: Scale, limits: Limits, about: number, threshold = 1): Tick[] {
  if (scale === 'log' && limits.low > 0 && limits.high / limits.low >= 30) {
    return decades(Math.log10(limits.low), Math.log10(limits.high), about);
  }
  if (scale === 'symlog') {
    const low = forward('symlog', limits.low, threshold);
    const high = forward('symlog', limits.high, threshold);
    return spread(low, high, about, (at) => inverse('symlog', at, threshold));
  }
  return linearTicks(limits.low, limits.high, about);
}

function decades(low: number, high: number, about: number): Tick[] {
  const every = Math.max(1, Math.ceil((high - low) / Math.max(1, about)));
  const ticks: Tick[] = [];
  for (let power = Math.ceil(low - 1e-9); power <= high + 1e-9; power += every) {
    ticks.push({ value: 10 ** power, text: Math.abs(power) < 4 ? String(Number((10 ** power).toPrecision(1))) : `1e${power}` });
  }
  return ticks.map(({ value, text }) => ({ value, text: text.replace(/-/g, '−') }));
}

/** Evenly along the scale, each moved to a number with one digit. */
function spread(low: number, high: number, about: number, value: (at: number) => number): Tick[] {
  const found = new Map<number, Tick>();
  for (let i = 0; i <= about; i++) {
    const near = value(low + ((high - low) * i) / about);
    const round = Math.abs(near) < 1e-12 * Math.max(Math.abs(value(low)), Math.abs(value(high))) ? 0 : Number(near.toPrecision(1));
    if (round >= value(low) - 1e-12 && round <= value(high) + 1e-12) {
      found.set(round, { value: round, text: plain(round, Math.max(0, -Math.floor(Math.log10(Math.abs(round) || 1)))) });
    }
  }
  return [...found.values()];
}
