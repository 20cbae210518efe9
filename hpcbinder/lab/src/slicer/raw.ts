// The value of what is no array of numbers, as text.

import type { Node, Values } from './answers';
import type { Api } from './api';
import { make } from './view/dom';
import { shown } from './words';

/** Of long arrays, this many of the first axis are shown; the table has all. */
const MOST = 1000;

export async function rawElement(api: Api, file: string, node: Node): Promise<HTMLElement> {
  if (!node.shape) {
    return make('p', { class: 'hps-value' }, 'It holds no value.');
  }
  const rank = node.shape.length;
  const first = node.shape[0] ?? 1;
  const found = await api.values(file, node.path, rank > 0 && first > MOST ? `0:${MOST}` : '');
  const element = make('div', { class: 'hps-value', tabindex: 0 }, make('pre', {}, textOf(found, rank)));
  if (rank > 0 && first > MOST) {
    element.append(make('p', { class: 'hps-faint' }, `The first ${MOST} of ${first}.`));
  }
  return element;
}

function textOf({ values, type }: Values, rank: number): string {
  if (rank === 1 && Array.isArray(values)) {
    return values.map((value, i) => `${i}\t${shown(value, type)}`).join('\n');
  }
  return rank === 0 ? shown(values, type) : JSON.stringify(values, null, 1);
}
