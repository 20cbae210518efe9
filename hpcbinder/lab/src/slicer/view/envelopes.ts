// Asks for the envelope of what is seen of a line, once a hand rests: no spike is left out of it.

import type { Limits } from './scales';
import { Signal } from './signal';
import type { Plane, PlaneRequest, PlaneSource } from './source';

const REST_MILLISECONDS = 150;
/** As many buckets more than there are seen are there for a hand that moves a little. */
const AROUND = 0.5;
const MOST_BUCKETS = 8192;
/** So that not every pixel of a panel that is resized asks for another one. */
const ROUND = 256;

interface Wanted {
  readonly request: PlaneRequest;
  readonly buckets: number;
}

export class Envelopes {
  readonly came = new Signal<Plane>();
  readonly failed = new Signal<unknown>();
  private latest: { readonly line: string; readonly plane: Plane } | null = null;
  /** What that was asked as; empty when the data have changed since. */
  private asked = '';
  private wanted: Wanted | null = null;
  private going: AbortController | null = null;
  private resting = 0;

  constructor(private readonly source: PlaneSource) {}

  /** The envelope of a line, if it is there and holds all that is seen of it. */
  of(request: PlaneRequest, { low, high }: Limits): Plane | null {
    const { line, plane } = this.latest ?? {};
    const [, , first, end] = plane?.header.window ?? [0, 0, 0, 0];
    return plane && line === lineOf(request) && first <= low && end >= high ? plane : null;
  }

  /** `moving`: a hand is on it, and what is on its way is no longer wanted. */
  want(request: PlaneRequest, { low, high }: Limits, pixels: number, moving: boolean): void {
    const around = Math.ceil((high - low) * AROUND);
    const [first, end] = [Math.max(0, low - around), Math.min(this.source.shape[request.columns] ?? 1, high + around)];
    const enough = Math.ceil((pixels * (end - first)) / (high - low) / ROUND) * ROUND;
    const wanted = { request: { ...request, window: [0, 1, first, end] as const }, buckets: Math.min(MOST_BUCKETS, enough) };
    this.wanted = JSON.stringify(wanted) === this.asked ? null : wanted;
    if (moving && this.wanted) {
      this.abort();
    }
    window.clearTimeout(this.resting);
    this.resting = window.setTimeout(() => void this.ask(), REST_MILLISECONDS);
  }

  /** The data have changed: what is there is shown until it is asked for anew. */
  refresh(): void {
    this.asked = '';
  }

  /** All values are worth drawing. */
  drop(): void {
    window.clearTimeout(this.resting);
    this.wanted = null;
    this.abort();
  }

  dispose(): void {
    this.drop();
    this.came.clear();
    this.failed.clear();
  }

  private abort(): void {
    if (this.going) {
      this.going.abort();
      this.going = null;
      this.asked = '';
    }
  }

  private async ask(): Promise<void> {
    const { wanted, source } = this;
    // What is on its way is of use, too: where a line grows all the time, none would ever come.
    if (!wanted || this.going || !source.envelope) {
      return;
    }
    this.wanted = null;
    this.asked = JSON.stringify(wanted);
    const going = (this.going = new AbortController());
    try {
      const plane = await source.envelope(wanted.request, wanted.buckets, going.signal);
      if (!going.signal.aborted) {
        this.latest = { line: lineOf(wanted.request), plane };
        this.came.emit(plane);
      }
    } catch (error) {
      if (!going.signal.aborted) {
        this.asked = '';
        this.failed.emit(error);
      }
    }
    if (this.going === going) {
      this.going = null;
      void this.ask();
    }
  }
}

function lineOf({ columns, at, part }: PlaneRequest): string {
  return JSON.stringify([columns, at.map((index, axis) => (axis === columns ? -1 : index)), part]);
}
