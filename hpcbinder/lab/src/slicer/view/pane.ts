// One picture of one cut: it asks for what is seen of it, and says what came.

import type { Colouring } from './colourbar';
import { Fetching } from './fetching';
import { Heatmap } from './heatmap';
import type { Limits } from './scales';
import { Signal } from './signal';
import { axisName, type Hint, type Plane, type PlaneRequest, type PlaneSource, spacing, type Window } from './source';
import type { Rect } from './viewport';

export interface Cut extends Colouring {
  readonly at: readonly number[];
  readonly rows: number;
  readonly columns: number;
}

/** Values of a plane that are fetched even where they are not seen. */
const MOST_VALUES = 2e6;
/** Planes that are longer than this fill the screen, whatever their spacing. */
const LONGEST = 30;

export class Pane {
  readonly map = new Heatmap();
  readonly came = new Signal<Plane>();
  readonly failed: Signal<unknown>;
  plane: Plane | null = null;
  /** Where the plane that is shown was cut. */
  shownAt: readonly number[] | null = null;
  private readonly fetching: Fetching;
  private cut: Cut | null = null;
  private asked: { readonly step: number; readonly window: Window | null } = { step: 0, window: null };
  /** Which cut lies below the details: another one's must not be seen around them. */
  private ground = '';

  constructor(private readonly source: PlaneSource) {
    this.fetching = new Fetching(source);
    this.fetching.came.connect(({ plane, request }) => this.take(plane, request.at));
    this.failed = this.fetching.failed;
  }

  get busy(): boolean {
    return this.fetching.busy;
  }

  /** Which axes are on screen, and the size that they now have. */
  layOut(rows: number, columns: number, look: { readonly fill: boolean; readonly flipped: boolean }): void {
    const { axes, shape } = this.source;
    const side = (axis: number) => ({ axis: axes[axis], name: axisName(this.source, axis), count: shape[axis] ?? 1 });
    this.map.viewport.flipped = look.flipped;
    this.map.setAxes(side(rows), side(columns), look.fill ? 0 : this.ratio(rows, columns));
    if (rows !== this.cut?.rows || columns !== this.cut.columns) {
      this.map.setPlane(0, null);
      this.map.setPlane(1, null);
      this.plane = null;
    }
  }

  /** `moving`: a hand is on it, so that soon is better than fine. */
  look(cut: Cut, moving: boolean, hint?: Hint): void {
    this.cut = cut;
    const step = this.stepFor();
    const window = this.detailsAlone(step) ? this.windowOf(this.around(), step) : null;
    this.asked = { step, window };
    const { rows, columns, at, scale, domain } = cut;
    this.fetching.want(
      {
        ...{ rows, columns, at, scale, domain, step, part: '', bits: 8 },
        ...(window ? { window } : {}),
        ...(hint ? { hint } : {}),
      },
      moving
    );
  }

  /** After another part of it is seen, where that takes another plane. */
  lookAgain(moving: boolean): void {
    const step = this.stepFor();
    const { window } = this.asked;
    const seen = this.windowOf(this.map.viewport.rect, 1);
    const there = window ? holds(window, seen) : !this.detailsAlone(step);
    if (this.cut && (step !== this.asked.step || !there)) {
      this.look(this.cut, moving);
    }
  }

  /** What is on screen, at full detail. */
  request(cut: Cut): PlaneRequest {
    const { rows, columns, at, scale, domain } = cut;
    const { viewport } = this.map;
    const window = viewport.isWhole ? {} : { window: this.windowOf(viewport.rect, 1) };
    return { rows, columns, at, scale, domain, part: '', bits: 8, ...window };
  }

  colour({ map, inverted, scale }: Colouring, limits: Limits): void {
    this.map.setColours({ map, inverted, scale, limits });
  }

  dispose(): void {
    this.fetching.dispose();
    this.came.clear();
    this.map.dispose();
  }

  /** No more rows and columns than the screen has pixels. */
  private stepFor(): number {
    const { width, density, rows, columns } = this.map.viewport;
    // Before it is laid out, as on a screen of usual size.
    const pixels = width > 1 ? density : Math.max(rows, columns) / 1000;
    return Math.max(1, Math.floor(pixels / (window.devicePixelRatio || 1)));
  }

  /** The whole would be more than is worth having there for a hand that moves it. */
  private detailsAlone(step: number): boolean {
    const { rows, columns, isWhole } = this.map.viewport;
    return !isWhole && rows * columns > MOST_VALUES * step * step;
  }

  /** What is seen, and a quarter of it around. */
  private around(): Rect {
    const { row0, row1, column0, column1 } = this.map.viewport.rect;
    const [rows, columns] = [(row1 - row0) / 4, (column1 - column0) / 4];
    return { row0: row0 - rows, row1: row1 + rows, column0: column0 - columns, column1: column1 + columns };
  }

  /** A row's height over a column's width: by their spacing, or the same where that is not known. */
  private ratio(rows: number, columns: number): number {
    const { axes, shape } = this.source;
    const [one, other] = [axes[rows], axes[columns]];
    const known = one?.values && other?.values && one.unit === other.unit;
    const ratio = known ? spacing(one) / spacing(other) : 1;
    const shaped = (ratio * (shape[rows] ?? 1)) / (shape[columns] ?? 1);
    // Nothing would be seen of a strip.
    return shaped > LONGEST || shaped < 1 / LONGEST ? 0 : ratio;
  }

  private windowOf(rect: Rect, step: number): Window {
    const { rows, columns } = this.map.viewport;
    const low = (value: number) => Math.max(0, Math.floor(value / step) * step);
    const high = (value: number, most: number) => Math.min(most, Math.ceil(value));
    return [low(rect.row0), high(rect.row1, rows), low(rect.column0), high(rect.column1, columns)];
  }

  private take(plane: Plane, at: readonly number[]): void {
    const [row0, row1, column0, column1] = plane.header.window;
    const { rows, columns } = this.map.viewport;
    const whole = row0 === 0 && column0 === 0 && row1 === rows && column1 === columns;
    this.plane = plane;
    this.shownAt = at;
    if (whole || this.ground !== String(at)) {
      this.ground = whole ? String(at) : '';
      this.map.setPlane(0, whole ? plane : null);
    }
    this.map.setPlane(1, whole ? null : plane);
    this.came.emit(plane);
  }
}

function holds(window: Window, seen: Window): boolean {
  return window[0] <= seen[0] && window[1] >= seen[1] && window[2] <= seen[2] && window[3] >= seen[3];
}
