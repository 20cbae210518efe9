// Asks for planes: what was wanted last comes next, coarse while a hand moves, in detail when it rests.

import { Bandwidth } from './bandwidth';
import { Signal } from './signal';
import type { Plane, PlaneRequest, PlaneSource } from './source';

const REST_MILLISECONDS = 150;
/** What takes longer is asked for coarsely; what takes twice as long as others gives way to a newer one. */
const PATIENCE_MILLISECONDS = 400;
const LONGEST_PATIENCE_MILLISECONDS = 6400;
/** Two on the way at a time: the line is used while the server works. */
const LANES = 2;
/** Details may take as long as this many pictures. */
const PICTURES_AT_REST = 8;

export interface Answer {
  readonly request: PlaneRequest;
  readonly plane: Plane;
}

let views = 0;
const bandwidths = new WeakMap<PlaneSource, Bandwidth>();

interface Going {
  readonly request: PlaneRequest;
  readonly turn: number;
  readonly since: number;
  readonly abort: AbortController;
}

export class Fetching {
  readonly came = new Signal<Answer>();
  readonly failed = new Signal<unknown>();
  private readonly view = `${Date.now().toString(36)}-${++views}`;
  private readonly lanes: (Going | null)[] = Array<Going | null>(LANES).fill(null);
  private readonly bandwidth: Bandwidth;
  private turn = 0;
  private shown = 0;
  private wanted: PlaneRequest | null = null;
  private latest: Answer | null = null;
  private resting = 0;
  private patience = PATIENCE_MILLISECONDS;
  /** The last turn that came too late for a hand that moves. */
  private missed = 0;

  constructor(private readonly source: PlaneSource) {
    this.bandwidth = bandwidths.get(source) ?? new Bandwidth();
    bandwidths.set(source, this.bandwidth);
  }

  /** Something better than what is shown is on its way, or about to be asked for. */
  get busy(): boolean {
    return this.resting !== 0 || this.wanted !== null || this.lanes.some((lane) => lane !== null);
  }

  /** `moving`: a hand is on it, so that soon is better than fine. */
  want(request: PlaneRequest, moving: boolean): void {
    this.dropOutdated(request, moving);
    window.clearTimeout(this.resting);
    this.resting = moving ? window.setTimeout(() => this.rest(request), REST_MILLISECONDS) : 0;
    const { perPicture } = this.bandwidth;
    this.wanted = moving ? { ...request, limit: perPicture } : this.detailed(request);
    this.start();
  }

  dispose(): void {
    window.clearTimeout(this.resting);
    this.wanted = null;
    this.lanes.forEach((lane) => lane?.abort.abort());
    this.came.clear();
    this.failed.clear();
  }

  private rest(request: PlaneRequest): void {
    this.resting = 0;
    const { hint: _hint, ...plain } = request;
    const detailed = this.detailed(plain);
    const there = this.latest && sameCut(this.latest.request, request) ? this.latest.plane.header : null;
    const enough = there?.step === (request.step ?? 1) && (there.type === 'u2' || detailed.bits !== 16);
    if (enough && !this.wanted && this.lanes.every((lane) => !lane)) {
      // What came in haste lacks nothing: it is said so once more, now that nothing else is to come.
      this.came.emit(this.latest!);
    } else {
      this.want(plain, false);
    }
  }

  /** In steps that are finer than any eye, if that comes soon. */
  private detailed(request: PlaneRequest): PlaneRequest {
    const { shape } = this.source;
    const [row0, row1, column0, column1] = request.window ?? [0, request.rows === null ? 1 : (shape[request.rows] ?? 1), 0, shape[request.columns] ?? 1];
    const values = ((row1 - row0) * (column1 - column0)) / (request.step ?? 1) ** 2;
    const soon = 2 * values <= PICTURES_AT_REST * this.bandwidth.perPicture;
    return request.bits === 8 && soon ? { ...request, bits: 16 } : request;
  }

  private dropOutdated(request: PlaneRequest, moving: boolean): void {
    const now = performance.now();
    this.lanes.forEach((lane, i) => {
      // A slice on its way is worth showing while others follow; details and other cuts are not.
      const passing = moving && lane?.request.limit !== undefined && sameAxes(lane.request, request);
      const waited = lane ? now - lane.since : 0;
      if (lane?.request.limit && waited > PATIENCE_MILLISECONDS && lane.turn > this.missed) {
        this.missed = lane.turn;
        this.bandwidth.missed(lane.request.limit, waited / 1000);
      }
      const late = waited > this.patience;
      if (late) {
        // Where nothing was ever waited for long enough, nothing would be seen.
        this.patience = Math.min(2 * this.patience, LONGEST_PATIENCE_MILLISECONDS);
      }
      if (lane && (late || !passing)) {
        lane.abort.abort();
        this.lanes[i] = null;
      }
    });
  }

  private start(): void {
    const free = this.lanes.indexOf(null);
    if (this.wanted && free >= 0) {
      const request = { ...this.wanted, view: `${this.view}-${free}`, turn: ++this.turn };
      const going = { request, turn: this.turn, since: performance.now(), abort: new AbortController() };
      this.wanted = null;
      this.lanes[free] = going;
      void this.ask(going, free);
    }
  }

  private async ask(going: Going, lane: number): Promise<void> {
    const { request, turn, since, abort } = going;
    try {
      const plane = await this.source.plane(request, abort.signal);
      if (abort.signal.aborted) {
        return;
      }
      this.lanes[lane] = null;
      const taken = performance.now() - since;
      this.patience = Math.max(PATIENCE_MILLISECONDS, 2 * taken);
      this.bandwidth.heard(plane.bytes, taken / 1000);
      this.start();
      if (turn > this.shown) {
        this.shown = turn;
        this.latest = { request, plane };
        this.came.emit(this.latest);
      }
    } catch (error) {
      if (!abort.signal.aborted) {
        this.lanes[lane] = null;
        this.start();
        // One that gave way to a newer is no news.
        if (turn === this.turn) {
          this.failed.emit(error);
        }
      }
    }
  }
}

function sameAxes(one: PlaneRequest, other: PlaneRequest): boolean {
  return one.rows === other.rows && one.columns === other.columns;
}

function sameCut(one: PlaneRequest, other: PlaneRequest): boolean {
  const told = ({ rows, columns, at, window, step, scale, domain }: PlaneRequest) =>
    JSON.stringify([rows, columns, at, window, step, scale, domain]);
  return told(one) === told(other);
}
