// Values along a line that was drawn over a picture.

import { button, make } from './dom';
import { drawCurve, frameOf, MARGIN } from './plot';
import { words } from './scales';
import { Signal } from './signal';
import type { PlaneRequest, PlaneSource, Point } from './source';
import { themeOf } from './theme';

export class ProfilePlot {
  readonly closed = new Signal<void>();
  readonly element: HTMLElement;
  private readonly canvas = make('canvas', { role: 'img' });
  private readonly plot = make('div', { class: 'hps-plot' }, this.canvas);
  private line: readonly [Point, Point] | null = null;
  private values: Float64Array | null = null;
  private reading = new AbortController();
  private pointed: number | null = null;
  private readonly note = make('span', { class: 'hps-place', role: 'status' });
  private readonly observer = new ResizeObserver(() => this.draw());

  constructor(private readonly source: PlaneSource) {
    const close = button('Remove the line', '×', () => this.closed.emit());
    const top = make('div', { class: 'hps-row' }, make('span', { class: 'hps-axis' }, 'Along the line'), this.note, close);
    this.element = make('div', { class: 'hps-profile', hidden: true }, top, this.plot);
    this.observer.observe(this.plot);
    this.plot.addEventListener('pointermove', (event) => {
      const { left, width, height } = this.plot.getBoundingClientRect();
      const across = (event.clientX - left - MARGIN.left) / frameOf(width, height).width;
      this.point(Math.floor(across * (this.values?.length ?? 0)));
    });
    this.plot.addEventListener('pointerleave', () => this.point(null));
  }

  /** Along another line, or along the same through another slice; null: along none. */
  async show(request: PlaneRequest, line: readonly [Point, Point] | null): Promise<void> {
    this.line = line;
    this.reading.abort();
    this.element.hidden = !line;
    if (!line) {
      return;
    }
    this.reading = new AbortController();
    const { signal } = this.reading;
    const { window: _window, ...whole } = request;
    try {
      const values = await this.source.profile(whole, endsOf(line, this.limits(request)), signal);
      if (!signal.aborted) {
        this.values = values;
        this.note.textContent = '';
        this.draw();
      }
    } catch (error) {
      if (!signal.aborted) {
        this.note.textContent = error instanceof Error ? error.message : String(error);
      }
    }
  }

  draw(): void {
    if (!this.values || !this.line || this.element.hidden) {
      return;
    }
    const [from, to] = this.line;
    const step = Math.hypot(to[0] - from[0], to[1] - from[1]) / Math.max(1, this.values.length - 1);
    const axis = { name: 'distance', unit: 'indices', values: { first: 0, step: step || 1 } };
    const size = this.values.length;
    const curve = { values: this.values, first: 0, step: 1, size, axis, name: 'distance', scale: 'linear' as const };
    drawCurve(this.canvas, curve, { low: 0, high: size }, themeOf(this.element), this.pointed);
    this.canvas.setAttribute('aria-label', `${size} values along the line`);
  }

  dispose(): void {
    this.reading.abort();
    this.observer.disconnect();
    this.closed.clear();
  }

  private point(index: number | null): void {
    const value = index === null ? undefined : this.values?.[index];
    this.pointed = value === undefined ? null : index;
    this.note.textContent = value === undefined ? '' : words(value, 9);
    this.draw();
  }

  private limits({ rows, columns }: PlaneRequest): Point {
    return [this.source.shape[rows ?? 0] ?? 1, this.source.shape[columns] ?? 1];
  }
}

/** Both ends of a line, moved to the nearest row and column that there is. */
export function endsOf(line: readonly [Point, Point], [rows, columns]: Point): Point[] {
  const inside = (value: number, size: number) => Math.max(0, Math.min(size - 1, Math.floor(value)));
  return line.map(([row, column]) => [inside(row, rows), inside(column, columns)]);
}
