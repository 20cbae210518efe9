// A line of values along one axis: of a 1-D array all of it, of others the one that is chosen.

import { button, make, select } from './dom';
import { Envelopes } from './envelopes';
import { type Answer, Fetching } from './fetching';
import { handle } from './linegestures';
import { type LineState, soundLine } from './linestate';
import { shortOf, underPointer } from './linewords';
import { drawCurve, frameOf } from './plot';
import { type Limits, words } from './scales';
import { Signal } from './signal';
import { axisName, type Plane, type PlaneRequest, type PlaneSource } from './source';
import { Steppers } from './steppers';
import { addStyle } from './style';
import { onTheme, themeOf } from './theme';

export type { LineState } from './linestate';

const SCALES = [
  ['linear', 'linear'],
  ['log', 'log'],
  ['symlog', 'symlog'],
] as const;
/** Values for each pixel: of more, the range is drawn. */
const DENSITY = 8;

export class LineView {
  readonly element: HTMLElement;
  readonly changed = new Signal<void>();
  private current: LineState;
  private readonly canvas = make('canvas', { role: 'img' });
  private readonly plot = make('div', { class: 'hps-plot' }, this.canvas);
  private readonly note = make('div', { class: 'hps-note', role: 'status' });
  private readonly rows = make('div', { class: 'hps-rows' });
  private readonly steppers: Steppers;
  private readonly fetching: Fetching;
  private readonly envelopes: Envelopes;
  private readonly ends: (() => void)[] = [];
  private latest: Answer | null = null;
  private pointed: number | null = null;

  constructor(
    private readonly source: PlaneSource,
    options: { readonly state?: object } = {}
  ) {
    addStyle();
    this.current = soundLine(options.state ?? {}, source.shape);
    this.steppers = new Steppers(source);
    this.fetching = new Fetching(source);
    this.envelopes = new Envelopes(source);
    this.element = make('div', { class: 'hps' }, this.rows, this.plot, this.note);
    this.connect();
    const observer = new ResizeObserver(() => this.look(false));
    observer.observe(this.plot);
    this.ends.push(() => observer.disconnect(), onTheme(() => this.draw()));
    this.build();
  }

  get state(): LineState {
    return this.current;
  }

  /** What is on screen, at full detail. */
  get request(): PlaneRequest {
    const { at, columns, range } = this.current;
    const window = range ? ([0, 1, range.low, range.high] as const) : undefined;
    const plain = { scale: 'linear', domain: 'slice', part: '', bits: 0 } as const;
    return { rows: null, columns, at, ...plain, ...(window ? { window } : {}) };
  }

  restore(state: object): void {
    const { columns } = this.current;
    this.current = soundLine(state, this.source.shape);
    if (columns !== this.current.columns) {
      this.build();
    }
    this.look(true);
    this.changed.emit();
  }

  /** The data have changed, or there are more of them. */
  refresh(): void {
    this.current = soundLine(this.current, this.source.shape);
    this.steppers.refresh();
    this.envelopes.refresh();
    this.look(false);
  }

  dispose(): void {
    this.ends.forEach((end) => end());
    this.steppers.dispose();
    this.fetching.dispose();
    this.envelopes.dispose();
    this.changed.clear();
  }

  private connect(): void {
    this.fetching.came.connect((answer) => {
      this.latest = answer;
      this.steppers.came(answer.request.at);
      this.came();
    });
    const failed = (error: unknown) => this.say(error instanceof Error ? error.message : String(error));
    this.fetching.failed.connect(failed);
    this.envelopes.came.connect(() => this.came());
    this.envelopes.failed.connect(failed);
    this.steppers.stepped.connect(({ axis, index }) => {
      this.set({ at: this.current.at.map((one, i) => (i === axis ? index : one)) }, true);
    });
    this.steppers.opened.connect((course) => this.set({ course }, false));
    const view = this;
    handle(this.plot, {
      get seen() {
        return view.seen;
      },
      get size() {
        return view.size;
      },
      point: (index) => this.point(index),
      range: (range, moving) => this.set({ range }, moving),
    });
  }

  private build(): void {
    this.steppers.build([this.current.columns]);
    const scale = select('Scale', SCALES, (chosen) => this.set({ scale: chosen }, false));
    scale.value = this.current.scale;
    const all = button('Show everything (double click)', '⤢', () => this.set({ range: null }, false));
    const top = make('div', { class: 'hps-row' }, ...this.axisChoice(), scale, all);
    this.rows.replaceChildren(top, this.steppers.element);
  }

  private axisChoice(): HTMLElement[] {
    const { shape } = this.source;
    if (shape.length < 2) {
      return [];
    }
    const options = shape.map((_, axis) => [String(axis), `along ${axisName(this.source, axis)}`] as const);
    const choice = select('Along which axis', options, (axis) => {
      this.current = { ...this.current, columns: Number(axis), range: null };
      this.build();
      this.look(false);
      this.changed.emit();
    });
    choice.value = String(this.current.columns);
    return [choice];
  }

  private set(change: Partial<LineState>, moving: boolean): void {
    this.current = { ...this.current, ...change };
    this.look(moving);
    this.changed.emit();
  }

  private get size(): number {
    return this.source.shape[this.current.columns] ?? 1;
  }

  private get seen(): Limits {
    return this.current.range ?? { low: 0, high: this.size };
  }

  /** Every n-th value, of which n is 1 where all of them can be drawn. */
  private get step(): number {
    const { width } = frameOf(this.plot.clientWidth, this.plot.clientHeight);
    const { low, high } = this.seen;
    return Math.max(1, Math.floor((high - low) / (DENSITY * width)));
  }

  private look(moving: boolean): void {
    this.steppers.show(this.current, moving);
    const { request, seen, step } = this;
    this.fetching.want({ ...request, step }, moving);
    if (step > 1) {
      const { width } = frameOf(this.plot.clientWidth, this.plot.clientHeight);
      this.envelopes.want(request, seen, width * (window.devicePixelRatio || 1), moving);
    } else {
      this.envelopes.drop();
    }
    this.draw();
  }

  /** All values, or the range of each bucket of them; a sample only until one of these is there. */
  private get plane(): Plane | null {
    const sample = this.latest?.plane ?? null;
    const envelope = this.envelopes.of(this.request, this.seen);
    return envelope && !(this.step === 1 && this.isExact) ? envelope : sample;
  }

  /** What came last is every value of what is seen. */
  private get isExact(): boolean {
    const { request, plane } = this.latest ?? {};
    const [, , first, end] = plane?.header.window ?? [0, 0, 0, 0];
    const same = request?.columns === this.current.columns && String(request.at) === String(this.current.at);
    return same && plane?.header.step === 1 && first <= this.seen.low && end >= this.seen.high;
  }

  private came(): void {
    this.draw();
    this.say('');
  }

  private point(index: number | null): void {
    this.pointed = index;
    this.draw();
    this.say('');
  }

  private draw(): void {
    const { plane } = this;
    if (!plane) {
      return;
    }
    const { header, codes } = plane;
    const { columns, scale } = this.current;
    const name = axisName(this.source, columns);
    const count = header.shape[1];
    const band = header.bucket === undefined ? {} : { highs: codes.subarray(count) };
    const across = { first: header.window[2], step: header.bucket ?? header.step, size: this.size };
    const curve = { values: codes.subarray(0, count), ...band, ...across, axis: this.source.axes[columns], name, scale };
    drawCurve(this.canvas, curve, this.seen, themeOf(this.element), this.pointed);
    const range = header.range;
    this.canvas.setAttribute('aria-label', range ? `A line from ${words(range[0])} to ${words(range[1])}` : 'No values');
  }

  private say(problem: string): void {
    const { plane, pointed } = this;
    const { columns } = this.current;
    this.note.classList.toggle('hps-problem', problem !== '');
    const of = { name: axisName(this.source, columns), axis: this.source.axes[columns] };
    const here = plane && pointed !== null ? underPointer(plane, pointed, of) : '';
    const parts = problem ? [problem] : [here, ...(plane ? shortOf(plane.header) : [])];
    this.note.textContent = parts.filter(Boolean).join('   ·   ') || (this.source.label ?? '');
  }
}
