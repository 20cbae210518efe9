// Which view shows a data set, and what of it can be told before.

import type { ReadonlyJSONObject } from '@lumino/coreutils';

import type { Attributes, Axes, Node } from './answers';
import type { Api } from './api';
import type { About, Place } from './source';
import { axisInfo } from './source';
import type { Tab } from './state';
import { LineView } from './view/line';
import { SliceView } from './view/slices';
import type { PlaneRequest, PlaneSource } from './view/source';

/** What every view of numbers is to the panel around it. */
export interface Picture {
  readonly element: HTMLElement;
  readonly state: object;
  /** What is on screen, at full detail. */
  readonly request: PlaneRequest;
  readonly changed: { connect(listener: () => void): () => void };
  restore(state: ReadonlyJSONObject): void;
  refresh(): void;
  dispose(): void;
}

export async function aboutOf(api: Api, { file, path }: Place, node: Node): Promise<About> {
  // A picture without names is better than none.
  const [{ axes }, known] = await Promise.all([
    api.axes(file, path).catch((): Axes => ({ axes: [], signal: null })),
    api.attributes(file, path).catch((): Attributes => ({ total: 0, attributes: [] })),
  ]);
  const attribute = (...names: string[]) => {
    const found = known.attributes.find(({ name, value }) => names.includes(name) && typeof value === 'string');
    return found ? String(found.value) : '';
  };
  const unit = attribute('units', 'unit');
  const name = attribute('long_name', 'standard_name') || node.name;
  const label = unit ? `${name} (${unit})` : name;
  return { shape: node.shape ?? [], axes: axes.map(axisInfo), label, growing: growingOf(node) };
}

/** The first axis that was made to become longer. */
export function growingOf({ maxshape, shape }: Node): number | null {
  const axis = maxshape?.findIndex((size, i) => size === null || size > (shape?.[i] ?? 0)) ?? -1;
  return axis < 0 ? null : axis;
}

/** The tabs that a node has, the best first. */
export function tabsOf(node: Node): readonly Tab[] {
  if (node.kind !== 'dataset') {
    return ['about'];
  }
  const of: Record<string, Tab> = {
    slices: 'picture',
    heatmap: 'picture',
    line: 'line',
    table: 'table',
    value: 'raw',
    raw: 'raw',
  };
  const named = (node.views ?? []).map((view) => of[view]).filter(Boolean);
  return [...new Set<Tab>([...named, 'about'])];
}

export const TAB_NAMES: Record<Tab, string> = {
  picture: 'Slices',
  line: 'Line',
  table: 'Table',
  raw: 'Values',
  about: 'About',
};

/** The view of a tab that shows numbers. */
export function pictureOf(tab: Tab, source: PlaneSource, state: ReadonlyJSONObject | undefined): Picture {
  const options = state ? { state } : {};
  return tab === 'line' ? new LineView(source, options) : new SliceView(source, options);
}
