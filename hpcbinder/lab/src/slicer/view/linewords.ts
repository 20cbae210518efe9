// What is said below a line: where the pointer is, the value there, and what is not exact.

import { words } from './scales';
import { type AxisInfo, type Plane, type PlaneHeader, valueAt } from './source';

/** An axis with the name that it goes by. */
export interface Named {
  readonly name: string;
  readonly axis: AxisInfo | undefined;
}

/** What a line is short of, and what it is of. */
export function shortOf(header: PlaneHeader): string[] {
  const { bucket, step, finite, count = finite } = header;
  const none = bucket !== undefined && count > finite ? `${(count - finite).toLocaleString('en')} values are no numbers` : '';
  const [, , first, end] = header.window;
  const sampled = bucket !== undefined && count < end - first ? `sampled: ${share(count / (end - first))} of them read` : '';
  return [
    bucket === undefined ? '' : `range of each ${bucket.toLocaleString('en')} values`,
    none,
    sampled,
    step > 1 ? `coarse: every ${step}. value` : '',
    header.verified ? '' : 'unverified while written',
  ];
}

export function underPointer({ header, codes }: Plane, pointed: number, of: Named): string {
  const first = header.window[2];
  const every = header.bucket ?? header.step;
  const i = Math.floor((pointed - first) / every);
  const index = first + i * every;
  if (header.bucket === undefined) {
    const value = codes[i];
    return `${placed(of, index)}:  ${value === undefined ? '' : words(value, 9)}`;
  }
  const last = Math.min(index + every, header.window[3]) - 1;
  const [low, high] = [codes[i], codes[i + header.shape[1]]];
  const range = low === undefined || high === undefined ? '' : `${words(low, 9)} to ${words(high, 9)}`;
  return `${placed(of, index)} to ${last}:  ${Number.isNaN(low) ? 'no numbers' : range}`;
}

function placed({ name, axis }: Named, index: number): string {
  const unit = axis?.unit ? ` ${axis.unit}` : '';
  return `${name} ${index}${axis?.values ? ` (${words(valueAt(axis, index))}${unit})` : ''}`;
}

function share(part: number): string {
  return `${Number((100 * part).toPrecision(2))} %`;
}
