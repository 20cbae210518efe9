// How a data set becomes rows and columns of a table, and which of its values a block of them is.

import type { Node, Value } from './answers';
import { membersOf } from './answers';
import { shown } from './words';

export interface Grid {
  readonly rows: number;
  readonly columns: number;
  /** A compound's fields. */
  readonly names: readonly string[] | null;
}

/** The last two axes, or one row for each item. */
export function gridOf(node: Node): Grid {
  const shape = node.shape ?? [];
  const names = node.type?.class === 'compound' ? membersOf(node.type).map(({ name }) => name) : null;
  if (shape.length < 2) {
    return { rows: shape[0] ?? 1, columns: names?.length ?? 1, names: names?.length ? names : null };
  }
  return { rows: shape[shape.length - 2], columns: shape[shape.length - 1], names: null };
}

/** As NumPy has it: the block's part of the data set, with `at` for the axes before the last two. */
export function keyOf(
  node: Node,
  at: readonly number[],
  rows: readonly [number, number],
  columns: readonly [number, number]
): string {
  const rank = node.shape?.length ?? 0;
  const range = ([first, last]: readonly [number, number]) => `${first}:${last}`;
  if (rank === 0) {
    return '';
  }
  if (rank === 1) {
    return range(rows);
  }
  return [...at.slice(0, rank - 2), range(rows), range(columns)].join(',');
}

/** One cell of a block that was read for `keyOf`. */
export function cellOf(node: Node, block: Value, row: number, column: number): string {
  const rank = node.shape?.length ?? 0;
  if (rank === 0) {
    return shown(block, node.type);
  }
  const line = (block as readonly Value[])[row];
  if (rank === 1) {
    const members = node.type?.class === 'compound' ? membersOf(node.type) : [];
    if (members.length > 0 && Array.isArray(line)) {
      return shown((line as readonly Value[])[column], members[column]?.type);
    }
    return shown(line, node.type);
  }
  return shown((line as readonly Value[])[column], node.type);
}
