// What of a view of a line a link, a workspace or a linked panel opens again.

import type { Limits } from './scales';
import type { Scale } from './source';

export interface LineState {
  readonly at: readonly number[];
  readonly columns: number;
  readonly scale: Scale;
  /** The indices that are seen; null: all. */
  readonly range: Limits | null;
  /** How slices go on is shown below their slider. */
  readonly course: boolean;
}

/** What fits an array of this shape of what somebody's link says. */
export function soundLine(state: Partial<Record<keyof LineState, unknown>>, shape: readonly number[]): LineState {
  const last = shape.length - 1;
  const { columns: axis, scale, range } = state;
  const columns = typeof axis === 'number' && Number.isInteger(axis) && axis >= 0 && axis <= last ? axis : last;
  const given = Array.isArray(state.at) && state.at.length === shape.length ? (state.at as unknown[]) : null;
  const at = shape.map((size, i) => {
    const index = given ? Number(given[i]) : Math.floor(size / 2);
    return Math.max(0, Math.min(size - 1, Number.isInteger(index) ? index : 0));
  });
  const { low, high } = (range ?? {}) as Partial<Limits>;
  const size = shape[columns] ?? 1;
  const usable = Number.isInteger(low) && Number.isInteger(high) && low! >= 0 && high! > low! && high! <= size;
  return {
    at,
    columns,
    scale: scale === 'log' || scale === 'symlog' ? scale : 'linear',
    range: usable ? { low: low!, high: high! } : null,
    course: state.course !== false,
  };
}
