// The axes that are not on screen: a row for each, and below one of them how its slices go on.

import { Course } from './course';
import { make } from './dom';
import { Signal } from './signal';
import { axisName, type PlaneSource, type Scale } from './source';
import { Stepper } from './stepper';

/** What of a view's state the steppers show. */
export interface Stepped {
  readonly at: readonly number[];
  readonly scale: Scale;
  /** The course of slices is not folded away. */
  readonly course: boolean;
}

export class Steppers {
  readonly element = make('div', {});
  readonly stepped = new Signal<{ readonly axis: number; readonly index: number }>();
  readonly opened = new Signal<boolean>();
  private rows: { readonly axis: number; readonly stepper: Stepper }[] = [];
  private course: { readonly axis: number; readonly view: Course } | null = null;

  constructor(private readonly source: PlaneSource) {}

  /** The first axis that is stepped along: what keys and the wheel go through. */
  get axis(): number | undefined {
    return this.rows[0]?.axis;
  }

  /** A row for each axis but those on screen. */
  build(onScreen: readonly number[]): void {
    const { shape, axes } = this.source;
    this.clear();
    this.rows = shape.map((_, axis) => axis).filter((axis) => !onScreen.includes(axis)).map((axis) => {
      const stepper = new Stepper(axisName(this.source, axis), axes[axis]);
      stepper.changed.connect((index) => this.stepped.emit({ axis, index }));
      return { axis, stepper };
    });
    this.course = this.courseOf();
    const elements = this.rows.flatMap(({ axis, stepper }) =>
      this.course?.axis === axis ? [stepper.element, this.course.view.element] : [stepper.element]
    );
    this.element.replaceChildren(...elements);
  }

  /** `moving`: a hand is on it. */
  show(state: Stepped, moving: boolean): void {
    const size = (axis: number) => this.source.shape[axis] ?? 1;
    for (const { axis, stepper } of this.rows) {
      stepper.show(state.at[axis] ?? 0, size(axis));
    }
    if (this.course) {
      const { axis, view } = this.course;
      view.show(state.at[axis] ?? 0, size(axis), { open: state.course, scale: state.scale }, moving);
    }
  }

  /** The slice at these indices is on screen. */
  came(at: readonly number[]): void {
    this.rows.forEach(({ axis, stepper }) => stepper.came(at[axis] ?? 0));
  }

  step(by: number): void {
    this.rows[0]?.stepper.step(by);
  }

  /** The data have changed, or there are more of them. */
  refresh(): void {
    if (this.course) {
      this.course.view.refresh(this.source.shape[this.course.axis] ?? 1);
    }
  }

  dispose(): void {
    this.clear();
    this.stepped.clear();
    this.opened.clear();
  }

  private clear(): void {
    this.rows.forEach(({ stepper }) => stepper.dispose());
    this.course?.view.dispose();
    this.course = null;
  }

  /** Along the axis that grows, or else the first one. */
  private courseOf(): { readonly axis: number; readonly view: Course } | null {
    const row = this.rows.find(({ axis }) => axis === this.source.growing) ?? this.rows[0];
    if (!row || !this.source.course) {
      return null;
    }
    const view = new Course(this.source, row.axis, row.stepper.slider);
    view.picked.connect((index) => this.stepped.emit({ axis: row.axis, index }));
    view.opened.connect((open) => this.opened.emit(open));
    return { axis: row.axis, view };
  }
}
