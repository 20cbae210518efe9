// What a file says about a group or a data set: attributes, and how it is stored.

import type { Attributes, Node } from './answers';
import { make } from './view/dom';
import { bytesText, shapeText, shown } from './words';

export function attributesElement(node: Node, found: Attributes): HTMLElement {
  const element = make('div', { class: 'hps-about', tabindex: 0 });
  element.append(make('h3', {}, 'Attributes'));
  if (found.attributes.length === 0) {
    element.append(make('p', { class: 'hps-faint' }, 'It has none.'));
  } else {
    const rows = found.attributes.map(({ name, type, shape, value, message }) => [
      name,
      message ?? shown(value, type),
      shape?.length ? `${type.text}, ${shapeText(shape)}` : type.text,
    ]);
    element.append(tableOf(['Name', 'Value', 'Type'], rows));
  }
  if (found.total > found.attributes.length) {
    const words = `${found.attributes.length} of ${found.total} are shown.`;
    element.append(make('p', { class: 'hps-faint' }, words));
  }
  element.append(make('h3', {}, 'Storage'), tableOf([], storage(node)));
  return element;
}

function storage(node: Node): string[][] {
  const rows: (readonly [string, string | undefined])[] = [
    ['Path', node.path],
    ['Link', node.link ? [node.link.kind, node.link.file, node.link.path].filter(Boolean).join(' ') : undefined],
    ['Members', node.members?.toString()],
    ['Type', node.type?.text],
    ['Shape', node.kind === 'dataset' ? shapeText(node.shape) : undefined],
    ['May grow to', node.maxshape?.map((size) => size ?? 'any').join(' × ')],
    ['Layout', node.layout],
    ['Chunks', node.chunks?.join(' × ')],
    ['Filters', node.filters?.map((filter) => filter.name).join(', ')],
    ['Size', node.bytes === undefined ? undefined : bytesText(node.bytes)],
    ['On disk', node.stored === undefined ? undefined : bytesText(node.stored)],
    ['Fill value', node.fill === undefined ? undefined : shown(node.fill, node.type)],
  ];
  return rows.filter((row): row is [string, string] => !!row[1]).map((row) => [...row]);
}

function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): HTMLElement {
  const table = make('table', {});
  if (heads.length > 0) {
    const cells = heads.map((text) => make('th', { scope: 'col' }, text));
    table.append(make('thead', {}, make('tr', {}, ...cells)));
  }
  const body = rows.map(([first, ...others]) =>
    make('tr', {}, make('th', { scope: 'row' }, first), ...others.map((text) => make('td', {}, text)))
  );
  table.append(make('tbody', {}, ...body));
  return table;
}
