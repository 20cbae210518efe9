// One picture, or all three planes through a point with cross-hairs that go together.

import type { Colouring } from './colourbar';
import { make } from './dom';
import type { Heatmap } from './heatmap';
import { type Cut, Pane } from './pane';
import type { Limits } from './scales';
import { Signal } from './signal';
import type { SliceState } from './slicestate';
import type { Hint, PlaneSource, Point } from './source';
import { themeOf } from './theme';
import type { Rect } from './viewport';

export class ThreePlanes {
  readonly element = make('div', { class: 'hps-panes' });
  readonly main: Pane;
  /** Something new is there; what the colours of all planes span. */
  readonly came = new Signal<Limits>();
  readonly failed = new Signal<unknown>();
  readonly stepped = new Signal<{ axis: number; by: number }>();
  /** One index for each axis, where the cross-hairs were put. */
  readonly picked = new Signal<readonly number[]>();
  readonly pointed = new Signal<{ cut: Cut; map: Heatmap; point: Point | null }>();
  private sides: Pane[] = [];
  private state: SliceState | null = null;

  constructor(private readonly source: PlaneSource) {
    this.main = this.pane(0);
  }

  /** Which axes are on screen; the others' planes come and go with the view's state. */
  layOut(state: SliceState): void {
    this.state = state;
    const wanted = state.three ? 2 : 0;
    this.sides.splice(wanted).forEach((pane) => pane.dispose());
    while (this.sides.length < wanted) {
      this.sides.push(this.pane(this.sides.length + 1));
    }
    this.element.dataset.three = String(state.three);
    this.panes.forEach((pane, i) => {
      const { rows, columns } = this.cutOf(state, i);
      pane.layOut(rows, columns, state);
      pane.map.wheelTurns = this.source.shape.length > 2;
    });
  }

  look(state: SliceState, moving: boolean, hint?: Hint): void {
    const before = this.state;
    this.state = state;
    this.panes.forEach((pane, i) => {
      const cut = this.cutOf(state, i);
      pane.map.cross = state.three ? [(cut.at[cut.rows] ?? 0) + 0.5, (cut.at[cut.columns] ?? 0) + 0.5] : null;
      pane.map.invalidate();
      // Stepping along one axis leaves the planes that it lies in as they are.
      if (!before || before === state || !moving || !pane.plane || !same(this.cutOf(before, i), cut)) {
        pane.look(cut, moving, hint);
      } else {
        pane.lookAgain(moving);
      }
    });
  }

  colour(colouring: Colouring, limits: Limits): void {
    this.panes.forEach((pane) => pane.colour(colouring, limits));
  }

  zoom(zoom: Rect | null): void {
    const { map } = this.main;
    if (zoom) {
      map.viewport.show(zoom);
    } else {
      map.viewport.fit();
    }
    map.invalidate();
  }

  /** All that is seen, on one canvas. */
  capture(): HTMLCanvasElement {
    const canvas = make('canvas');
    const ratio = window.devicePixelRatio || 1;
    const box = this.element.getBoundingClientRect();
    canvas.width = Math.round(box.width * ratio);
    canvas.height = Math.round(box.height * ratio);
    const context = canvas.getContext('2d');
    if (context) {
      context.scale(ratio, ratio);
      context.fillStyle = themeOf(this.element).ground || '#fff';
      context.fillRect(0, 0, box.width, box.height);
      for (const { map } of this.panes) {
        const place = map.element.getBoundingClientRect();
        context.save();
        context.translate(place.left - box.left, place.top - box.top);
        map.capture(context);
        context.restore();
      }
    }
    return canvas;
  }

  dispose(): void {
    this.panes.forEach((pane) => pane.dispose());
    [this.came, this.failed, this.stepped, this.picked, this.pointed].forEach((signal) => signal.clear());
  }

  private get panes(): Pane[] {
    return [this.main, ...this.sides];
  }

  private pane(i: number): Pane {
    const pane = new Pane(this.source);
    this.element.append(pane.map.element);
    pane.came.connect(() => this.came.emit(this.limits()));
    pane.failed.connect((error) => this.failed.emit(error));
    pane.map.turned.connect((by) => this.stepped.emit({ axis: this.normalOf(i), by }));
    pane.map.clicked.connect((point) => this.pick(i, point));
    pane.map.pointed.connect((point) => {
      if (this.state) {
        this.pointed.emit({ cut: this.cutOf(this.state, i), map: pane.map, point });
      }
    });
    if (i > 0) {
      pane.map.moved.connect(() => pane.lookAgain(true));
    }
    return pane;
  }

  private pick(i: number, [row, column]: Point): void {
    if (this.state?.three) {
      const { rows, columns, at } = this.cutOf(this.state, i);
      this.picked.emit(at.map((index, axis) => (axis === rows ? Math.floor(row) : axis === columns ? Math.floor(column) : index)));
    }
  }

  /** The axis that stepping through a pane goes along. */
  private normalOf(i: number): number {
    const { rows, columns } = this.state ?? { rows: 0, columns: 1 };
    const normal = this.source.shape.findIndex((_, axis) => axis !== rows && axis !== columns);
    return [normal, columns, rows][i] ?? normal;
  }

  /** The main plane, the one beside it with the same rows, the one below it with the same columns. */
  private cutOf(state: SliceState, i: number): Cut {
    const { rows, columns } = state;
    const normal = this.source.shape.findIndex((_, axis) => axis !== rows && axis !== columns);
    const sides = [
      { rows, columns },
      { rows, columns: normal },
      { rows: normal, columns },
    ];
    return { ...state, ...sides[i] };
  }

  /** From the lowest that any plane's colours span to the highest: one colour is one value in all. */
  private limits(): Limits {
    const domains = this.panes.flatMap(({ plane }) => (plane ? [plane.header.domain] : []));
    return { low: Math.min(...domains.map(([low]) => low)), high: Math.max(...domains.map(([, high]) => high)) };
  }
}

function same(one: Cut, other: Cut): boolean {
  const told = ({ rows, columns, at, scale, domain }: Cut) =>
    JSON.stringify([rows, columns, at.map((index, axis) => (axis === rows || axis === columns ? -1 : index)), scale, domain]);
  return told(one) === told(other);
}
