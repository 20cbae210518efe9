// What two data sets of one shape differ in, computed from exact values of both.

import type { AxisInfo, Plane, PlaneRequest, PlaneSource, Point, Statistics } from './view/source';

const BINS = 128;

export class DifferenceSource implements PlaneSource {
  constructor(
    private readonly one: PlaneSource,
    private readonly other: PlaneSource,
    readonly label: string
  ) {}

  get shape(): readonly number[] {
    return this.one.shape;
  }

  get axes(): readonly AxisInfo[] {
    return this.one.axes;
  }

  async plane(request: PlaneRequest, signal: AbortSignal): Promise<Plane> {
    const exact = { ...request, bits: 0 as const, limit: undefined };
    // Two views to the server: the one's request must not take the place of the other's.
    const [one, other] = await Promise.all([
      this.one.plane({ ...exact, view: viewOf(request, 'a') }, signal),
      this.other.plane({ ...exact, view: viewOf(request, 'b') }, signal),
    ]);
    const values = Float64Array.from(one.codes, (value, i) => value - (other.codes[i] ?? NaN));
    const { finite, range } = extremes(values);
    const header = {
      ...one.header,
      type: 'f8',
      codes: false,
      range,
      finite,
      domain: domainOf(request, range),
      exact: one.header.exact && other.header.exact,
      verified: one.header.verified && other.header.verified,
      etag: one.header.etag + other.header.etag,
    };
    return { header, codes: values, bytes: one.bytes + other.bytes };
  }

  async exact(request: PlaneRequest, signal: AbortSignal): Promise<Float64Array> {
    const [one, other] = await Promise.all([
      this.one.exact(request, signal),
      this.other.exact(request, signal),
    ]);
    return less(one, other);
  }

  async statistics(
    request: PlaneRequest,
    _of: 'slice' | 'dataset',
    signal: AbortSignal
  ): Promise<Statistics> {
    return statisticsOf(await this.exact(request, signal));
  }

  async profile(
    request: PlaneRequest,
    points: readonly Point[],
    signal: AbortSignal
  ): Promise<Float64Array> {
    const [one, other] = await Promise.all([
      this.one.profile(request, points, signal),
      this.other.profile(request, points, signal),
    ]);
    return less(one, other);
  }
}

function less(one: Float64Array, other: Float64Array): Float64Array {
  return one.map((value, i) => value - (other[i] ?? NaN));
}

function viewOf(request: PlaneRequest, which: string): string | undefined {
  return request.view === undefined ? undefined : `${request.view}-${which}`;
}

/** Zero in the middle, whichever way the two differ; typed limits as they are. */
function domainOf(
  request: PlaneRequest,
  range: readonly [number, number] | null
): readonly [number, number] {
  if (Array.isArray(request.domain)) {
    const [low, high] = request.domain as readonly [number, number];
    return [low, high];
  }
  const most = range ? Math.max(Math.abs(range[0]), Math.abs(range[1])) : 0;
  return most > 0 ? [-most, most] : [-1, 1];
}

function extremes(values: Float64Array): {
  finite: number;
  range: readonly [number, number] | null;
} {
  let [low, high, finite] = [Infinity, -Infinity, 0];
  for (const value of values) {
    if (Number.isFinite(value)) {
      finite += 1;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return { finite, range: finite > 0 ? [low, high] : null };
}

function statisticsOf(values: Float64Array): Statistics {
  const { finite, range } = extremes(values);
  const [low, high] = range ?? [0, 1];
  const counts = new Array<number>(BINS).fill(0);
  let sum = 0;
  for (const value of values) {
    if (Number.isFinite(value)) {
      sum += value;
      const bin = high > low ? Math.floor(((value - low) / (high - low)) * BINS) : 0;
      counts[Math.min(bin, BINS - 1)] += 1;
    }
  }
  const mean = finite > 0 ? sum / finite : NaN;
  const histogram = { low, high, counts };
  return { min: low, max: high, mean, finite, nan: values.length - finite, histogram, estimate: true };
}
