// Between values and positions along a colour scale.

import type { Plane, Scale } from './source';
import { isCoded, largestCode } from './wire';

/** A colour scale's function; not a number where it has no value. */
export function forward(scale: Scale, value: number, threshold = 1): number {
  switch (scale) {
    case 'linear':
      return value;
    case 'log':
      return value > 0 ? Math.log10(value) : NaN;
    case 'symlog':
      return Math.sign(value) * Math.log1p(Math.abs(value) / threshold);
  }
}

export function inverse(scale: Scale, position: number, threshold = 1): number {
  switch (scale) {
    case 'linear':
      return position;
    case 'log':
      return 10 ** position;
    case 'symlog':
      return Math.sign(position) * Math.expm1(Math.abs(position)) * threshold;
  }
}

export interface Limits {
  readonly low: number;
  readonly high: number;
}

/** Where a value lies between the limits: 0 at the low one, 1 at the high one. */
export function fraction(scale: Scale, limits: Limits, value: number, threshold = 1): number {
  const low = forward(scale, limits.low, threshold);
  const high = forward(scale, limits.high, threshold);
  const here = forward(scale, value, threshold);
  return high === low ? (here < low ? 0 : 1) : (here - low) / (high - low);
}

export function valueOf(scale: Scale, limits: Limits, at: number, threshold = 1): number {
  const low = forward(scale, limits.low, threshold);
  const high = forward(scale, limits.high, threshold);
  return inverse(scale, low + at * (high - low), threshold);
}

/** The value that one item of a plane stands for; codes stand for it approximately. */
export function planeValue(plane: Plane, index: number): number {
  const code = plane.codes[index] ?? NaN;
  if (!isCoded(plane.header)) {
    return code;
  }
  if (code === 0) {
    return NaN;
  }
  const { domain, scale, threshold } = plane.header;
  const at = (code - 1) / (largestCode(plane.header) - 1);
  return valueOf(scale, { low: domain[0], high: domain[1] }, at, threshold);
}

/** Limits that the scale has a value for: a logarithm has none at zero and below. */
export function usable(scale: Scale, limits: Limits): Limits {
  let { low, high } = limits;
  if (scale === 'log' && low <= 0) {
    low = high > 0 ? high * 1e-6 : 1e-6;
  }
  if (!(high > low)) {
    high = low === 0 ? 1 : low + Math.abs(low) * 1e-6;
  }
  return { low, high };
}

const DIGITS = 6;

/** A number for people: as many digits as tell something. */
export function words(value: number, digits = DIGITS): string {
  if (Number.isNaN(value)) {
    return 'NaN';
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? '∞' : '−∞';
  }
  const size = Math.abs(value);
  const text =
    value !== 0 && (size < 1e-4 || size >= 10 ** Math.max(DIGITS, digits))
      ? trimmed(value.toExponential(digits - 1))
      : trimmed(value.toPrecision(digits));
  return text.replace(/-/g, '−');
}

function trimmed(text: string): string {
  const [mantissa = '', exponent] = text.split('e');
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return exponent === undefined ? short : `${short}e${exponent.replace('+', '')}`;
}
