// Values, sizes and types in words.

import type { Item, Type, Value } from './answers';
import { membersOf } from './answers';

const LONGEST = 2000;

/** A value as a table's cell or an attribute shows it. */
export function shown(value: Value, type?: Type): string {
  const text = plain(value, type);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function plain(value: Value, type: Type | undefined): string {
  if (value === null) {
    return '';
  }
  if (Array.isArray(value)) {
    return list(value as readonly Value[], type);
  }
  if (typeof value === 'object') {
    return object(value as Record<string, Value>);
  }
  if (typeof value === 'number' && type?.class === 'float') {
    return decimal(value, type.dtype);
  }
  return type?.class === 'enum' ? enumName(value, type) : String(value);
}

/** As few digits as tell a float of four bytes from its neighbours: all others are the transport's. */
function decimal(value: number, dtype: string | null): string {
  if (/f4$|float32$/.test(dtype ?? '')) {
    for (let digits = 6; digits < 9; digits++) {
      const short = Number(value.toPrecision(digits));
      if (Math.fround(short) === value) {
        return String(short);
      }
    }
  }
  return String(value);
}

function list(values: readonly Value[], type: Type | undefined): string {
  if (type?.class === 'complex' && values.length === 2) {
    return complex(values);
  }
  const members = type?.class === 'compound' ? membersOf(type) : [];
  if (members.length === values.length && members.length > 0) {
    const said = members.map(({ name, type: of }, i) => `${name}: ${plain(values[i], of)}`);
    return `{${said.join(', ')}}`;
  }
  return `[${values.map((value) => plain(value, type)).join(', ')}]`;
}

function complex([real, imaginary]: readonly Value[]): string {
  const text = String(imaginary);
  return `${String(real)} ${text.startsWith('-') ? '−' : '+'} ${text.replace(/^-/, '')}i`;
}

function object(value: Record<string, Value>): string {
  if ('reference' in value) {
    return value.reference === null ? 'null reference' : `→ ${String(value.reference)}`;
  }
  return 'hex' in value ? `0x${String(value.hex)}` : JSON.stringify(value);
}

function enumName(value: number | string | boolean, type: Type): string {
  const named = Object.entries(type.members ?? {}).find(([, number]) => number === Number(value));
  return named ? `${named[0]} (${String(value)})` : String(value);
}

export function shapeText(shape: readonly number[] | null | undefined): string {
  if (!shape) {
    return 'empty';
  }
  return shape.length === 0 ? 'scalar' : shape.join(' × ');
}

/** Most data are little-endian: only others are worth a word. */
export function typeText(type: Type | undefined): string {
  return (type?.text ?? '').replace(' (little-endian)', '');
}

/** Behind a name in the tree. */
export function summary(item: Item): string {
  if (item.kind === 'group') {
    return item.members === undefined ? '' : `${item.members}`;
  }
  if (item.kind === 'dataset') {
    return item.shape?.length === 0 ? typeText(item.type) : shapeText(item.shape).replace(/ /g, '');
  }
  return '';
}

export function bytesText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let [amount, unit] = [bytes, 0];
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? amount : amount.toPrecision(3)} ${units[unit]}`;
}
