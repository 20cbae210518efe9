// The points of a course: which there are, which are still to be asked for, and when.

import { Signal } from './signal';
import type { CoursePoint, PlaneSource } from './source';

/** Points that a line on a screen has use for. */
const MOST = 512;
const AT_ONCE = 64;
/** A hand that rests for so long may be left alone with what takes the server's time. */
const REST_MILLISECONDS = 600;
const SOON_MILLISECONDS = 150;
/** What was overwritten in its place is looked at again, but not all the time. */
const OVERWRITTEN_MILLISECONDS = 5000;
const BETWEEN_MILLISECONDS = 30;

export class Gathering {
  readonly came = new Signal<void>();
  /** The share of each slice that is looked at; 0 while that is not known. */
  seen = 0;
  /** When the last of them came, or else the file was changed, as `Date.now()` has it. */
  latest: number | null = null;
  /** More have come while this was looked at. */
  grew = false;
  problem = '';
  private readonly known = new Map<number, CoursePoint>();
  private readonly old = new Set<number>();
  private size = 0;
  private visible = false;
  private waiting = 0;
  private due = Infinity;
  private asking: AbortController | null = null;

  constructor(
    private readonly source: PlaneSource,
    private readonly axis: number
  ) {}

  /** Every how many-th slice has a point. */
  get every(): number {
    return everyOf(this.size);
  }

  /** Those that are known, in their order. */
  get points(): readonly CoursePoint[] {
    return thinned(this.size).flatMap((index) => this.known.get(index) ?? []);
  }

  /** Nothing is asked for that nobody sees. */
  look(visible: boolean): void {
    if (visible !== this.visible) {
      this.visible = visible;
      this.later();
    }
  }

  /** A hand moves: nothing is asked for until it rests. */
  later(): void {
    this.asking?.abort();
    window.clearTimeout(this.waiting);
    this.due = Infinity;
    this.begin(REST_MILLISECONDS);
  }

  /** There may be more of them, fewer, or others in their place. */
  refresh(size: number): void {
    const before = this.size;
    this.size = size;
    if (size < before) {
      this.known.clear();
      this.old.clear();
    }
    if (size > before && before > 0) {
      this.grew = true;
      this.latest = Date.now();
    }
    // The last one may not have been whole when it was asked for.
    this.old.add(before - 1);
    if (size === before) {
      this.known.forEach((_, index) => this.old.add(index));
    }
    this.begin(size === before ? OVERWRITTEN_MILLISECONDS : SOON_MILLISECONDS);
  }

  dispose(): void {
    this.visible = false;
    window.clearTimeout(this.waiting);
    this.asking?.abort();
    this.asking = null;
    this.came.clear();
  }

  /** Whichever is due first counts. */
  private begin(pause: number): void {
    const due = performance.now() + pause;
    if (this.visible && due < this.due) {
      this.due = due;
      window.clearTimeout(this.waiting);
      this.waiting = window.setTimeout(() => void this.ask(), pause);
    }
  }

  private async ask(): Promise<void> {
    this.due = Infinity;
    this.asking?.abort();
    const missing = thinned(this.size).filter((index) => !this.known.has(index) || this.old.has(index));
    if (!missing.length || !this.source.course) {
      return;
    }
    const asking = (this.asking = new AbortController());
    try {
      const { points, seen, age } = await this.source.course(this.axis, missing.slice(0, AT_ONCE), asking.signal);
      if (asking.signal.aborted) {
        return;
      }
      points.forEach((point) => this.take(point));
      this.latest ??= Date.now() - 1000 * age;
      this.seen = seen;
      this.problem = '';
      if (points.length > 0 && points.length < missing.length) {
        this.begin(BETWEEN_MILLISECONDS);
      }
    } catch (error) {
      if (asking.signal.aborted) {
        return;
      }
      this.problem = error instanceof Error ? error.message : String(error);
    }
    this.came.emit();
  }

  private take(point: CoursePoint): void {
    this.known.set(point.index, point);
    this.old.delete(point.index);
  }
}

/** A power of two, so that an axis that grows keeps its points. */
function everyOf(size: number): number {
  let every = 1;
  while (size > MOST * every) {
    every *= 2;
  }
  return every;
}

/** Every n-th index, and the last one. */
export function thinned(size: number): number[] {
  const every = everyOf(size);
  const indices = Array.from({ length: Math.ceil(size / every) }, (_, i) => i * every);
  if (size > 0 && indices[indices.length - 1] !== size - 1) {
    indices.push(size - 1);
  }
  return indices;
}
