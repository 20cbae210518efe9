// One data set as the views ask for it: planes, statistics and profiles from the server.

import type { Axis } from './answers';
import type { Api, Arguments } from './api';
import type {
  AxisInfo,
  Course,
  Domain,
  Plane,
  PlaneRequest,
  PlaneSource,
  Point,
  Statistics,
} from './view/source';
import { decodePlane } from './view/wire';

export interface Place {
  readonly file: string;
  readonly path: string;
}

/** What is known of a data set before anything of it is shown. */
export interface About {
  readonly shape: readonly number[];
  readonly axes: readonly AxisInfo[];
  readonly label: string;
  /** The axis along which it may grow. */
  readonly growing: number | null;
}

export class DatasetSource implements PlaneSource {
  readonly axes: readonly AxisInfo[];
  readonly label: string;
  readonly growing: number | null;
  private extent: readonly number[];

  constructor(
    private readonly api: Api,
    private readonly place: Place,
    about: About,
    private readonly part: string = ''
  ) {
    this.extent = about.shape;
    this.axes = about.axes;
    this.label = about.label;
    this.growing = about.growing;
  }

  get shape(): readonly number[] {
    return this.extent;
  }

  /** It has grown, or was truncated. */
  resize(shape: readonly number[]): void {
    this.extent = shape;
  }

  async plane(request: PlaneRequest, signal: AbortSignal): Promise<Plane> {
    const answer = await this.api.ask('plane', this.asked(request), signal);
    return decodePlane(await answer.arrayBuffer());
  }

  async exact(request: PlaneRequest, signal: AbortSignal): Promise<Float64Array> {
    const { view: _view, turn: _turn, limit: _limit, ...plain } = request;
    const plane = await this.plane({ ...plain, bits: 0 }, signal);
    return Float64Array.from(plane.codes);
  }

  statistics(
    request: PlaneRequest,
    of: 'slice' | 'dataset',
    signal: AbortSignal
  ): Promise<Statistics> {
    return this.api.json('statistics', { ...this.asked(request), of }, signal);
  }

  async profile(
    request: PlaneRequest,
    points: readonly Point[],
    signal: AbortSignal
  ): Promise<Float64Array> {
    const asked = { ...this.asked(request), points: points.map((point) => point.join(',')).join(';') };
    type Profile = { readonly values: readonly (number | string | null)[] };
    const { values } = await this.api.json<Profile>('profile', asked, signal);
    return Float64Array.from(values, (value) => (value === null ? NaN : Number(value)));
  }

  async envelope(request: PlaneRequest, buckets: number, signal: AbortSignal): Promise<Plane> {
    const answer = await this.api.ask('envelope', { ...this.asked(request), buckets }, signal);
    return decodePlane(await answer.arrayBuffer());
  }

  async course(axis: number, indices: readonly number[], signal: AbortSignal): Promise<Course> {
    const asked = { ...this.place, axis, indices: indices.join(','), part: this.part };
    const { index, low, high, mean, seen, age } = await this.api.json<Told>('course', asked, signal);
    const points = index.map((at, i) => ({ index: at, low: low[i] ?? null, high: high[i] ?? null, mean: mean[i] ?? null }));
    return { points, seen, age };
  }

  /** A request as the server's parameters. */
  asked(request: PlaneRequest): Arguments {
    return {
      ...this.place,
      rows: request.rows ?? 'none',
      columns: request.columns,
      at: request.at.join(','),
      window: request.window?.join(','),
      step: request.step,
      bits: request.bits,
      scale: request.scale,
      domain: domainOf(request.domain),
      part: request.part || this.part,
      limit: request.limit,
      hint: request.hint && `${request.hint.axis},${request.hint.direction}`,
      view: request.view,
      turn: request.turn,
    };
  }
}

/** What the server says of slices, in lists. */
interface Told {
  readonly index: readonly number[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
  readonly mean: readonly (number | null)[];
  readonly seen: number;
  readonly age: number;
}

function domainOf(domain: Domain): string {
  if (typeof domain === 'string') {
    return domain;
  }
  if ('percentiles' in domain) {
    return domain.percentiles.map((percent) => `p${percent}`).join(',');
  }
  return domain.join(',');
}

/** An axis as the views know it; text along an axis is not a place on it. */
export function axisInfo(axis: Axis): AxisInfo {
  const { name, unit } = axis;
  if (typeof axis.first === 'number' && axis.step !== null) {
    return { name, unit, values: { first: axis.first, step: axis.step } };
  }
  const list = axis.values?.filter((value): value is number => typeof value === 'number') ?? [];
  return { name, unit, values: list.length > 0 && list.length === axis.size ? { list } : null };
}
