// Slices through an array of any rank from two on: a picture of two axes, and a step along each other.

import { ColourBar } from './colourbar';
import { Counting } from './counting';
import { make } from './dom';
import { ProfilePlot } from './profile';
import { Reader } from './reader';
import type { Limits } from './scales';
import { Signal } from './signal';
import { meantBy } from './slicekeys';
import { type SliceState, soundState } from './slicestate';
import { toolRow } from './slicetools';
import type { Hint, PlaneRequest, PlaneSource } from './source';
import { Steppers } from './steppers';
import { addStyle } from './style';
import { ThreePlanes } from './threeplanes';

export type { SliceState } from './slicestate';

const STATISTICS_MILLISECONDS = 300;
/** What changes the controls and the axes, and not only what is shown. */
const LAYOUT = ['rows', 'columns', 'three', 'fill', 'flipped'] as const;

export class SliceView {
  readonly element: HTMLElement;
  readonly changed = new Signal<void>();
  private current: SliceState;
  private readonly planes: ThreePlanes;
  private readonly colours = new ColourBar();
  private readonly reader: Reader;
  private readonly profile: ProfilePlot;
  private readonly rows = make('div', { class: 'hps-rows' });
  private readonly steppers: Steppers;
  private readonly counting: Counting;
  private resting = 0;
  private hint: Hint | undefined;

  constructor(
    private readonly source: PlaneSource,
    options: { readonly state?: object } = {}
  ) {
    addStyle();
    this.current = soundState(options.state ?? {}, source.shape);
    this.planes = new ThreePlanes(source);
    this.reader = new Reader(source);
    this.profile = new ProfilePlot(source);
    this.steppers = new Steppers(source);
    this.counting = new Counting(source);
    this.element = make(
      'div',
      { class: 'hps', tabindex: 0, role: 'group', 'aria-label': source.label || 'Slices' },
      ...[this.rows, this.planes.element, this.profile.element, this.reader.element, this.colours.element]
    );
    this.connect();
    this.build();
    this.look(true);
  }

  get state(): SliceState {
    return this.current;
  }

  /** What is on screen, at full detail. */
  get request(): PlaneRequest {
    return this.planes.main.request(this.current);
  }

  restore(state: object): void {
    const before = this.current;
    this.current = soundState(state, this.source.shape);
    if (LAYOUT.some((one) => before[one] !== this.current[one])) {
      this.build();
    }
    this.planes.zoom(this.current.zoom);
    this.look(true);
    this.changed.emit();
  }

  /** The data have changed, or there are more of them. */
  refresh(): void {
    this.current = soundState(this.current, this.source.shape);
    this.planes.layOut(this.current);
    this.steppers.refresh();
    this.look(false);
  }

  /** What is seen, axes and all. */
  capture(): HTMLCanvasElement {
    return this.planes.capture();
  }

  dispose(): void {
    window.clearTimeout(this.resting);
    this.counting.dispose();
    this.steppers.dispose();
    this.profile.dispose();
    this.reader.dispose();
    this.changed.clear();
    this.planes.dispose();
  }

  private connect(): void {
    const { main } = this.planes;
    this.planes.came.connect((limits) => this.came(limits));
    this.planes.failed.connect((error) => this.reader.fail(error));
    this.planes.stepped.connect(({ axis, by }) => this.step(axis, (this.current.at[axis] ?? 0) + by));
    this.planes.picked.connect((at) => this.set({ at }, true));
    this.planes.pointed.connect(({ cut, map, point }) => this.reader.point(cut, map, point));
    main.map.moved.connect(() => this.moved());
    main.map.drawn.connect(({ points, done }) => done && void this.profile.show(this.request, points));
    this.steppers.stepped.connect(({ axis, index }) => this.step(axis, index));
    this.steppers.opened.connect((course) => this.unfold(course));
    this.profile.closed.connect(() => this.removeLine());
    this.counting.came.connect((statistics) => this.colours.tellStatistics(statistics));
    this.colours.changed.connect((colouring) => this.set(colouring, false));
    this.colours.dragged.connect((limits) => this.planes.colour(this.current, limits));
    this.element.addEventListener('keydown', (event) => this.pressed(event));
    const observer = new ResizeObserver(() => this.colours.draw());
    observer.observe(this.element);
  }

  private set(change: Partial<SliceState>, moving: boolean): void {
    this.current = { ...this.current, ...change };
    this.look(moving);
    this.changed.emit();
  }

  /** The rows of controls: how it is cut, and the axes that are not on screen. */
  private build(): void {
    const { rows, columns, fill, flipped } = this.current;
    const { map } = this.planes.main;
    this.steppers.build([rows, columns]);
    const tools = toolRow(this.source, this.current, map.drawing, this.steppers.axis, {
      cut: (axis) => this.cut(axis),
      three: () => this.relay({ three: !this.current.three }),
      draw: () => (map.drawing = !map.drawing),
      turn: () => this.relay({ rows: columns, columns: rows, zoom: null }),
      flip: () => this.relay({ flipped: !flipped }),
      stretch: () => this.relay({ fill: !fill, zoom: null }),
    });
    this.rows.replaceChildren(tools, this.steppers.element);
    this.planes.layOut(this.current);
    this.planes.zoom(this.current.zoom);
  }

  private cut(axis: number): void {
    const others = this.source.shape.map((_, i) => i).filter((i) => i !== axis);
    const [rows, columns] = others.slice(-2);
    if (rows !== undefined && columns !== undefined) {
      this.relay({ rows, columns, zoom: null });
    }
  }

  private relay(change: Partial<SliceState>): void {
    this.removeLine();
    this.current = { ...this.current, ...change };
    this.hint = undefined;
    this.build();
    this.look(true);
    this.changed.emit();
  }

  private unfold(course: boolean): void {
    this.current = { ...this.current, course };
    this.steppers.show(this.current, false);
    this.changed.emit();
  }

  private step(axis: number, wanted: number): void {
    const before = this.current.at[axis] ?? 0;
    const index = Math.max(0, Math.min((this.source.shape[axis] ?? 1) - 1, wanted));
    if (index !== before) {
      this.hint = { axis, direction: index < before ? -1 : 1 };
      this.set({ at: this.current.at.map((one, i) => (i === axis ? index : one)) }, true);
    }
  }

  private look(moving: boolean): void {
    this.steppers.show(this.current, moving);
    this.colours.show(this.current);
    this.planes.look(this.current, moving, this.hint);
    this.element.setAttribute('aria-busy', String(this.planes.main.busy));
    window.clearTimeout(this.resting);
    this.resting = window.setTimeout(() => this.rest(), STATISTICS_MILLISECONDS);
  }

  /** When nothing has moved for a moment: what is worth its time only then. */
  private rest(): void {
    void this.profile.show(this.request, this.planes.main.map.line);
    void this.counting.ask(this.request);
  }

  private came(limits: Limits): void {
    const { plane, busy } = this.planes.main;
    this.colours.tell([limits.low, limits.high]);
    this.planes.colour(this.current, limits);
    this.reader.came(plane, this.current);
    if (plane) {
      this.steppers.came(this.planes.main.shownAt ?? []);
      const normal = this.steppers.axis;
      this.element.dataset.index = normal === undefined ? '' : String(this.planes.main.shownAt?.[normal] ?? '');
      this.element.dataset.exact = String(plane.header.exact && plane.header.step === 1);
      this.element.setAttribute('aria-busy', String(busy));
    }
  }

  private moved(): void {
    const { viewport } = this.planes.main.map;
    const zoom = viewport.isWhole ? null : viewport.rect;
    this.planes.main.lookAgain(true);
    if (JSON.stringify(zoom) !== JSON.stringify(this.current.zoom)) {
      this.current = { ...this.current, zoom };
      this.changed.emit();
    }
  }

  private removeLine(): void {
    this.planes.main.map.line = null;
    this.planes.main.map.invalidate();
    void this.profile.show(this.request, null);
  }

  private pressed(event: KeyboardEvent): void {
    const meant = meantBy(event, this.source);
    const { map } = this.planes.main;
    switch (meant?.do) {
      case undefined:
        return;
      case 'step':
        this.steppers.step(meant.by);
        break;
      case 'cut':
        this.cut(meant.axis);
        break;
      case 'zoom':
        map.zoom(meant.by);
        break;
      case 'fit':
        map.fit();
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
