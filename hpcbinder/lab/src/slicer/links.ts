// Links that open a file with all that was seen of it: `…/lab?slicer=…`.
//
// A parameter of the query, since that is what a log-in and a hub's launch link keep, and it goes
// with any workspace's address.

import type { ReadonlyJSONValue } from '@lumino/coreutils';

import type { SlicerState } from './state';
import { asJSON, isObject, stateOf } from './state';

export const PARAMETER = 'slicer';
export const PATTERN = /[?&]slicer=/;

export interface Linked {
  readonly file: string;
  readonly state: SlicerState;
}

export function linkTo(base: string, file: string, state: SlicerState): string {
  const url = new URL(base, window.location.href);
  url.search = '';
  url.hash = '';
  url.searchParams.set(PARAMETER, JSON.stringify({ file, ...asJSON(state) }));
  return url.href;
}

export function linkedBy(search: string): Linked | null {
  const text = new URLSearchParams(search).get(PARAMETER);
  try {
    const said = JSON.parse(text ?? '') as ReadonlyJSONValue;
    const state = stateOf(said);
    return isObject(said) && typeof said.file === 'string' && state ? { file: said.file, state } : null;
  } catch {
    return null;
  }
}

/** The address without the link, so that a reload keeps what was changed since. */
export function without(request: string): string {
  const url = new URL(request, window.location.origin);
  url.searchParams.delete(PARAMETER);
  return url.pathname + url.search + url.hash;
}
