// What can be taken away of what is seen: files, code, and a link.

import type { ReadonlyJSONObject } from '@lumino/coreutils';

import type { Api, Arguments } from './api';
import { colourTable, isMap } from './view/colormaps';

/** Of 256 colours: between these, the server goes on evenly. */
const EVERY = 5;

export interface Format {
  readonly format: 'png' | 'npy' | 'csv' | 'tiff';
  readonly label: string;
}

export const FORMATS: readonly Format[] = [
  { format: 'png', label: 'Picture (PNG)' },
  { format: 'npy', label: 'NumPy array (.npy)' },
  { format: 'csv', label: 'Table (CSV)' },
  { format: 'tiff', label: 'TIFF' },
];

/** The colours of the screen, as a picture's parameter has them. */
export function coloursOf({ map, inverted }: ReadonlyJSONObject): string | undefined {
  if (typeof map !== 'string' || !isMap(map)) {
    return undefined;
  }
  const table = colourTable(map, inverted === true);
  const hex = (value: number) => value.toString(16).padStart(2, '0');
  const stops: string[] = [];
  for (let i = 0; i < table.length; i += 4 * EVERY) {
    stops.push(hex(table[i]) + hex(table[i + 1]) + hex(table[i + 2]));
  }
  return stops.join('-');
}

/** The browser loads it itself: nothing of it is held in the page. */
export function download(api: Api, asked: Arguments, format: Format['format']): void {
  const anchor = document.createElement('a');
  anchor.href = api.url('values', { ...asked, ...plain, format });
  anchor.download = fileName(asked, format);
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
}

/** Python that reads exactly this. */
export async function snippet(api: Api, asked: Arguments): Promise<string> {
  const { text } = await api.json<{ text: string }>('snippet', { ...asked, ...plain });
  return text;
}

/** What only pictures on a screen have. */
const plain = { bits: undefined, limit: undefined, view: undefined, turn: undefined, hint: undefined };

function fileName(asked: Arguments, format: string): string {
  const file = String(asked.file).split('/').pop() ?? 'data';
  const path = String(asked.path).replace(/[^\w.-]+/g, '-');
  const at = String(asked.at ?? '').replace(/,/g, '-');
  return `${file.replace(/\.\w+$/, '')}${path}${at ? `-${at}` : ''}.${format}`;
}
