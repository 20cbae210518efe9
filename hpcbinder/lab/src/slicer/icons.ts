// Small pictures of what can lie in a file, in the colour of the text beside them.

import type { Item } from './answers';

const DRAWN: Record<string, string> = {
  group: '<path d="M1.5 4.5v8h13v-7h-7l-1.5-2h-4.5z"/>',
  scalar: '<circle cx="8" cy="8" r="3"/>',
  text: '<path d="M3 4.5V3h10v1.5M8 3v10M6 13h4"/>',
  line: '<path d="M1.5 11l3-5 3 4 3-7 4 6"/>',
  grid: '<path d="M2 2h12v12H2zM2 6h12M2 10h12M6 2v12M10 2v12"/>',
  cube: '<path d="M8 1.5l6 3v7l-6 3-6-3v-7zM2 4.5l6 3 6-3M8 7.5v7"/>',
  table: '<path d="M2 2.5h12v11H2zM2 6h12M6.5 6v7.5M2 9.700h12"/>',
  type: '<path d="M5 2.5H2.5v11H5M11 2.5h2.5v11H11"/>',
  broken: '<path d="M2.5 8h3M10.5 8h3M6 12l4-8"/>',
  other: '<rect x="3" y="3" width="10" height="10"/>',
};

export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.classList.add('hps-icon');
  svg.innerHTML = DRAWN[name] ?? DRAWN.other;
  return svg;
}

export function iconOf(item: Item): SVGSVGElement {
  return icon(nameOf(item));
}

function nameOf(item: Item): string {
  if (item.kind !== 'dataset') {
    return { group: 'group', type: 'type', link: 'broken' }[item.kind];
  }
  const rank = item.shape?.length ?? 0;
  if (item.type?.class === 'compound') {
    return 'table';
  }
  if (item.type?.class === 'string') {
    return 'text';
  }
  return ['scalar', 'line', 'grid'][rank] ?? 'cube';
}

/** In a word or two, for who cannot see the picture. */
export function kindOf(item: Item): string {
  if (item.kind === 'dataset') {
    const shape = item.shape;
    if (!shape) {
      return 'empty data set';
    }
    return shape.length === 0 ? 'scalar' : `data set ${shape.join(' × ')}`;
  }
  return { group: 'group', type: 'named type', link: 'link that leads nowhere' }[item.kind];
}
