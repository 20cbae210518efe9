// What a view asks, and what it is answered. A view knows nothing of files, servers or JupyterLab.

export type Scale = 'linear' | 'log' | 'symlog';

/** What colours span: the shown slice, the whole data set, percentiles of the slice, or typed limits. */
export type Domain =
  | 'slice'
  | 'dataset'
  | { readonly percentiles: readonly [number, number] }
  | readonly [number, number];

/** Half-open ranges of rows and columns: row0, row1, column0, column1. */
export type Window = readonly [number, number, number, number];

/** The axis that slices will be asked along next, and whether forwards (1) or backwards (-1). */
export interface Hint {
  readonly axis: number;
  readonly direction: number;
}

export interface PlaneRequest {
  /** The axis that runs down the screen; null for a line. */
  readonly rows: number | null;
  /** The axis that runs across the screen. */
  readonly columns: number;
  /** One index for each axis; those of the axes on screen do not count. */
  readonly at: readonly number[];
  readonly window?: Window;
  /** Every how many-th row and column. */
  readonly step?: number;
  /** Codes of 8 or 16 bits; 0 asks for exact values. */
  readonly bits: 0 | 8 | 16;
  readonly scale: Scale;
  readonly domain: Domain;
  /** Of a complex number or a compound; empty for plain numbers. */
  readonly part: string;
  /** Bytes that the answer may take; the source then sends less detail, and says so. */
  readonly limit?: number;
  readonly hint?: Hint;
  /** Requests with the same `view` supersede each other; the larger `turn` is the one still wanted. */
  readonly view?: string;
  readonly turn?: number;
}

/** What is said about a plane beside its values (the header of the wire). */
export interface PlaneHeader {
  readonly shape: readonly [number, number];
  readonly type: string;
  /** Codes (0 is no number) or values themselves. Absent: codes if the type is `u1` or `u2`. */
  readonly codes?: boolean;
  readonly scale: Scale;
  readonly domain: readonly [number, number];
  /** Where symlog goes over from linear to logarithmic. */
  readonly threshold?: number;
  readonly filter: 'none' | 'up' | 'planes';
  readonly codec: 'none' | 'deflate';
  readonly window: Window;
  readonly step: number;
  /** Of an envelope: how many values each of its buckets has. */
  readonly bucket?: number;
  /** Of an envelope: how many values were read. */
  readonly count?: number;
  /** Nothing of what was asked about is left out. */
  readonly exact: boolean;
  readonly range: readonly [number, number] | null;
  readonly finite: number;
  readonly verified: boolean;
  readonly etag: string;
}

export type Codes = Uint8Array | Uint16Array | Float32Array | Float64Array;

export interface Plane {
  readonly header: PlaneHeader;
  readonly codes: Codes;
  /** What it took on the way here. */
  readonly bytes: number;
}

export interface Statistics {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** How many values are numbers, and how many are not. */
  readonly finite: number;
  readonly nan: number;
  /** Bins of equal width from `low` to `high`; null where nothing is finite. */
  readonly histogram: {
    readonly low: number;
    readonly high: number;
    readonly counts: readonly number[];
  } | null;
  /** From a sample, not from every value. */
  readonly estimate: boolean;
}

/** Of a sample of one slice; null where none of its values is finite. */
export interface CoursePoint {
  readonly index: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly mean: number | null;
}

/** How slices go on across an axis. */
export interface Course {
  /** As many of those that were asked for as there was time for. */
  readonly points: readonly CoursePoint[];
  /** The share of each slice that was looked at: 1 is all of it. */
  readonly seen: number;
  /** How many seconds ago the data were changed. */
  readonly age: number;
}

export interface AxisInfo {
  readonly name: string;
  readonly unit: string;
  /** Where each index is; null if the file does not say. */
  readonly values: AxisValues | null;
}

export type AxisValues =
  | { readonly first: number; readonly step: number }
  | { readonly list: readonly number[] };

/** A point of a plane: row and column, not necessarily whole numbers. */
export type Point = readonly [number, number];

export interface PlaneSource {
  readonly shape: readonly number[];
  readonly axes: readonly AxisInfo[];
  /** What the numbers are, for legends: name and unit. */
  readonly label?: string;
  /** The axis along which more may come: iterations; null if there is none. */
  readonly growing?: number | null;
  plane(request: PlaneRequest, signal: AbortSignal): Promise<Plane>;
  /** Exact values of the request's window, row by row. */
  exact(request: PlaneRequest, signal: AbortSignal): Promise<Float64Array>;
  statistics(request: PlaneRequest, of: 'slice' | 'dataset', signal: AbortSignal): Promise<Statistics>;
  /** Exact values along a line of straight pieces between points: of each row or column on the way. */
  profile(request: PlaneRequest, points: readonly Point[], signal: AbortSignal): Promise<Float64Array>;
  /** Of a line, two rows: the least and the greatest values of at most so many buckets. */
  envelope?(request: PlaneRequest, buckets: number, signal: AbortSignal): Promise<Plane>;
  /** What a sample of some of the slices across an axis is like. */
  course?(axis: number, indices: readonly number[], signal: AbortSignal): Promise<Course>;
}

/** Where an index lies, in the axis' own unit. */
export function valueAt(axis: AxisInfo | undefined, index: number): number {
  const values = axis?.values;
  if (!values) {
    return index;
  }
  if ('step' in values) {
    return values.first + index * values.step;
  }
  const last = values.list.length - 1;
  const low = Math.max(0, Math.min(Math.floor(index), last));
  const high = Math.min(low + 1, last);
  const a = values.list[low] ?? index;
  const b = values.list[high] ?? a;
  return a + (b - a) * Math.max(0, Math.min(index - low, 1));
}

/** The mean distance between two indices, in the axis' own unit; 1 if the file does not say. */
export function spacing(axis: AxisInfo | undefined): number {
  const values = axis?.values;
  if (!values) {
    return 1;
  }
  const step =
    'step' in values
      ? values.step
      : (valueAt(axis, values.list.length - 1) - valueAt(axis, 0)) / Math.max(1, values.list.length - 1);
  return Number.isFinite(step) && step !== 0 ? Math.abs(step) : 1;
}

export function axisName(source: PlaneSource, axis: number): string {
  return source.axes[axis]?.name || `axis ${axis}`;
}
