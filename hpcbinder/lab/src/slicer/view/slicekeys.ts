// What a key means for a view of slices.

import type { PlaneSource } from './source';

export type Meant =
  | { readonly do: 'step'; readonly by: number }
  | { readonly do: 'cut'; readonly axis: number }
  | { readonly do: 'zoom'; readonly by: number }
  | { readonly do: 'fit' };

const LETTERS = ['x', 'y', 'z'];
const STEPS: Record<string, number> = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
const ZOOMS: Record<string, number> = { '+': 1.5, '-': 1 / 1.5 };

/** Null for keys that are somebody else's. */
export function meantBy(event: KeyboardEvent, source: PlaneSource): Meant | null {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT)$/.test(target.tagName)) {
    return null;
  }
  const step = STEPS[event.key];
  const axis = axisOf(event.key.toLowerCase(), source);
  const zoom = ZOOMS[event.key];
  if (step) {
    return { do: 'step', by: event.shiftKey ? 10 * step : step };
  }
  if (axis >= 0) {
    return { do: 'cut', axis };
  }
  if (zoom) {
    return { do: 'zoom', by: zoom };
  }
  return event.key === '0' ? { do: 'fit' } : null;
}

/** The keys x, y and z: the axis of that name, or the last, the last but one, and so on. */
function axisOf(key: string, { shape, axes }: PlaneSource): number {
  const rank = shape.length;
  const letter = LETTERS.indexOf(key);
  if (letter < 0 || rank < 3 || letter >= rank) {
    return -1;
  }
  const named = axes.findIndex(({ name }) => name.toLowerCase() === key);
  return named >= 0 ? named : rank - 1 - letter;
}
