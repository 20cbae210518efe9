// Everything that a link, a restored workspace or a notebook's output opens again.

import type { ReadonlyJSONObject, ReadonlyJSONValue } from '@lumino/coreutils';

import type { Place } from './source';

export type Tab = 'picture' | 'line' | 'table' | 'raw' | 'about';

export interface SlicerState {
  readonly path: string;
  readonly tab?: Tab;
  /** The view's own: slice, zoom, colours. */
  readonly picture?: ReadonlyJSONObject;
  readonly part?: string;
  readonly follow?: boolean;
  readonly linked?: boolean;
  /** What is taken away from it. */
  readonly against?: Place;
}

const TABS: readonly string[] = ['picture', 'line', 'table', 'raw', 'about'];

/** What somebody's link says, as far as it can be; links come from anywhere. */
export function stateOf(value: ReadonlyJSONValue | undefined): SlicerState | null {
  if (!isObject(value) || typeof value.path !== 'string' || !value.path.startsWith('/')) {
    return null;
  }
  const { path, tab, picture, part, follow, linked, against } = value;
  return {
    path,
    ...(typeof tab === 'string' && TABS.includes(tab) ? { tab: tab as Tab } : {}),
    ...(isObject(picture) ? { picture } : {}),
    ...(typeof part === 'string' ? { part } : {}),
    ...(follow === true ? { follow } : {}),
    ...(linked === true ? { linked } : {}),
    ...(isPlace(against) ? { against } : {}),
  };
}

export function asJSON(state: SlicerState): ReadonlyJSONObject {
  return JSON.parse(JSON.stringify(state)) as ReadonlyJSONObject;
}

export function isObject(value: ReadonlyJSONValue | undefined): value is ReadonlyJSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPlace(value: ReadonlyJSONValue | undefined): value is ReadonlyJSONObject & Place {
  return isObject(value) && typeof value.file === 'string' && typeof value.path === 'string';
}
