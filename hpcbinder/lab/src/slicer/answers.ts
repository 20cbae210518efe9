// What the server says of files, as it comes over the wire.

/** NaN, infinities and integers beyond 2^53 come as text. */
export type Value =
  | null
  | number
  | boolean
  | string
  | readonly Value[]
  | { readonly [name: string]: Value };

export interface Type {
  readonly class: string;
  /** For people: "float32 (big-endian)". */
  readonly text: string;
  readonly dtype: string | null;
  readonly members?: readonly Member[] | Readonly<Record<string, number>>;
}

export interface Member {
  readonly name: string;
  readonly type: Type;
}

export interface Link {
  readonly kind: 'soft' | 'external' | 'other';
  readonly file?: string;
  readonly path?: string;
  readonly message?: string;
  readonly advice?: string;
}

export interface Item {
  readonly name: string;
  readonly path: string;
  readonly kind: 'group' | 'dataset' | 'type' | 'link';
  readonly link: Link | null;
  readonly members?: number;
  readonly shape?: readonly number[] | null;
  readonly type?: Type;
  readonly views?: readonly string[];
}

export interface Node extends Item {
  readonly attributes: number;
  readonly maxshape?: readonly (number | null)[] | null;
  readonly chunks?: readonly number[] | null;
  readonly layout?: string;
  readonly filters?: readonly { readonly id: number; readonly name: string }[];
  readonly bytes?: number;
  readonly stored?: number;
  readonly fill?: Value;
}

export interface Children {
  readonly path: string;
  readonly total: number;
  readonly offset: number;
  readonly children: readonly Item[];
}

export interface Attribute {
  readonly name: string;
  readonly shape: readonly number[] | null;
  readonly type: Type;
  readonly value: Value;
  readonly message?: string;
}

export interface Attributes {
  readonly total: number;
  readonly attributes: readonly Attribute[];
}

export interface Found {
  readonly found: readonly Item[];
  readonly complete: boolean;
  readonly seen: number;
}

export interface Axis {
  readonly name: string;
  readonly unit: string;
  readonly long_name: string;
  readonly size: number;
  readonly first: number | string | null;
  readonly step: number | null;
  readonly values: readonly (number | string)[] | null;
}

export interface Axes {
  readonly axes: readonly Axis[];
  readonly signal: string | null;
}

export interface Values {
  readonly shape: readonly number[];
  readonly type: Type;
  readonly values: Value;
}

/** The parts that a number can be shown by: of a complex number, or a compound's fields. */
export function partsOf(type: Type | undefined): readonly string[] {
  if (type?.class === 'complex') {
    return ['abs', 'phase', 'real', 'imaginary'];
  }
  if (type?.class === 'compound') {
    return membersOf(type)
      .filter((member) => isNumeric(member.type))
      .map((member) => member.name);
  }
  return [];
}

export function membersOf(type: Type): readonly Member[] {
  return Array.isArray(type.members) ? (type.members as readonly Member[]) : [];
}

function isNumeric(type: Type): boolean {
  return ['integer', 'float', 'boolean', 'enum'].includes(type.class);
}

export interface Root {
  readonly name: string;
  readonly path: string;
}
