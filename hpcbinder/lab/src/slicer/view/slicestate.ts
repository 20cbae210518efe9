// What of a view of slices a link, a workspace or a linked panel opens again.

import { type Colouring, colouringOf, FIRST_COLOURING } from './colourbar';
import type { Rect } from './viewport';

export interface SliceState extends Colouring {
  readonly at: readonly number[];
  readonly rows: number;
  readonly columns: number;
  readonly zoom: Rect | null;
  /** All three planes through a point, and not one alone. */
  readonly three: boolean;
  /** The picture fills its room, and spacing does not count. */
  readonly fill: boolean;
  /** The first row is at the bottom. */
  readonly flipped: boolean;
  /** How slices go on is shown below their slider. */
  readonly course: boolean;
}

/** What fits an array of this shape of what somebody's link says. */
export function soundState(state: Partial<Record<keyof SliceState, unknown>>, shape: readonly number[]): SliceState {
  const axis = (value: unknown, otherwise: number) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < shape.length ? value : otherwise;
  const columns = axis(state.columns, shape.length - 1);
  const rows = axis(state.rows, shape.length - 2);
  const given = Array.isArray(state.at) ? (state.at as unknown[]) : [];
  const at = shape.map((size, i) => {
    const index = given.length === shape.length ? Number(given[i]) : Math.floor(size / 2);
    return Math.max(0, Math.min(size - 1, Number.isInteger(index) ? index : 0));
  });
  const apart = rows === columns ? { rows: shape.length - 2, columns: shape.length - 1 } : { rows, columns };
  const three = state.three === true && shape.length > 2;
  const course = state.course !== false;
  const shown = { three, fill: state.fill === true, flipped: state.flipped === true, course };
  return { ...FIRST_COLOURING, ...colouringOf(state), ...apart, at, zoom: rectOf(state.zoom), ...shown };
}

function rectOf(value: unknown): Rect | null {
  const rect = value as Partial<Record<keyof Rect, unknown>> | null | undefined;
  const { row0, row1, column0, column1 } = rect ?? {};
  const sides = [row0, row1, column0, column1];
  if (!sides.every((side) => typeof side === 'number' && Number.isFinite(side))) {
    return null;
  }
  return { row0, row1, column0, column1 } as Rect;
}
