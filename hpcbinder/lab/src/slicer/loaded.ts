// A data set with all that its views are made of, against another one if it is compared.

import type { ReadonlyJSONObject } from '@lumino/coreutils';

import type { Node } from './answers';
import type { Api } from './api';
import { DifferenceSource } from './difference';
import { aboutOf } from './picture';
import type { Place } from './source';
import { DatasetSource } from './source';
import type { PlaneSource } from './view/source';

export interface Loaded {
  readonly own: DatasetSource;
  /** What is shown: the data set's own values, or what they differ by. */
  readonly source: PlaneSource;
}

export async function load(
  api: Api,
  place: Place,
  node: Node,
  part: string,
  against: Place | undefined
): Promise<Loaded> {
  const own = new DatasetSource(api, place, await aboutOf(api, place, node), part);
  if (!against) {
    return { own, source: own };
  }
  const other = await api.node(against.file, against.path);
  if (String(other.shape) !== String(node.shape)) {
    const words = `${against.path} has the shape ${String(other.shape)}, and not ${String(node.shape)}.`;
    throw new Error(`There is no difference to show: ${words}`);
  }
  const about = await aboutOf(api, against, other);
  const label = `${own.label} − ${against.file}`;
  const source = new DifferenceSource(own, new DatasetSource(api, against, about, part), label);
  return { own, source };
}

/** A view's state with another index along an axis, where it says one. */
export function atLast(state: object, axis: number, size: number): ReadonlyJSONObject | null {
  const known = state as { at?: readonly number[] };
  if (!Array.isArray(known.at) || known.at[axis] === size - 1) {
    return null;
  }
  const at = known.at.map((index: number, i: number) => (i === axis ? size - 1 : index));
  return { ...(state as ReadonlyJSONObject), at };
}
