// How often each value is there, above the colours it gets, with the two limits to be dragged.

import { colourTable, type MapName } from './colormaps';
import { make, sized } from './dom';
import { forward, fraction, type Limits, usable, valueOf, words } from './scales';
import { Signal } from './signal';
import type { Scale, Statistics } from './source';
import { themeOf } from './theme';

export interface Bar {
  readonly map: MapName;
  readonly inverted: boolean;
  readonly scale: Scale;
}

const STRIP = 10;
const KEY_SHARE = 0.01;

export class Histogram {
  readonly element: HTMLElement;
  /** While a limit is dragged, and once more when it is let go (`done`). */
  readonly dragged = new Signal<{ limits: Limits; done: boolean }>();
  private readonly canvas = make('canvas', { class: 'hps-histogram', role: 'img' });
  private readonly handles = [this.handle('low'), this.handle('high')] as const;
  private bar: Bar = { map: 'viridis', inverted: false, scale: 'linear' };
  private limits: Limits = { low: 0, high: 1 };
  private statistics: Statistics | null = null;
  /** What the canvas goes from and to; held while a limit is dragged. */
  private span: Limits = { low: 0, high: 1 };
  private held = false;

  constructor() {
    this.element = make('div', { class: 'hps-bar' }, this.canvas, ...this.handles);
  }

  show(bar: Bar, limits: Limits): void {
    this.bar = bar;
    if (!this.held) {
      this.limits = usable(bar.scale, limits);
      this.span = this.spanned();
    }
    this.draw();
  }

  tell(statistics: Statistics | null): void {
    this.statistics = statistics;
    this.show(this.bar, this.limits);
  }

  draw(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const context = this.canvas.getContext('2d');
    if (!context || width < 2) {
      return;
    }
    const ratio = sized(this.canvas, width, height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const theme = themeOf(this.element);
    this.drawCounts(context, width, height - STRIP - 2, theme.faint);
    this.drawColours(context, width, height);
    this.placeHandles();
    const { low, high } = this.limits;
    this.canvas.setAttribute('aria-label', `Histogram; colours from ${words(low)} to ${words(high)}`);
  }

  /** Everything that is there, and the limits. */
  private spanned(): Limits {
    const found = this.statistics?.histogram;
    const { low, high } = this.limits;
    const sound = found && Number.isFinite(found.low) && Number.isFinite(found.high) ? found : { low, high };
    const least = this.bar.scale === 'log' && sound.low <= 0 ? low : Math.min(low, sound.low);
    return usable(this.bar.scale, { low: least, high: Math.max(high, sound.high) });
  }

  private x(value: number): number {
    return fraction(this.bar.scale, this.span, value) * this.canvas.clientWidth;
  }

  private drawCounts(context: CanvasRenderingContext2D, width: number, height: number, colour: string): void {
    const histogram = this.statistics?.histogram;
    if (!histogram || !histogram.counts.length) {
      return;
    }
    // Roots, so that rare values are seen beside a background of one value.
    const most = Math.sqrt(Math.max(1, ...histogram.counts));
    const size = (histogram.high - histogram.low) / histogram.counts.length;
    context.fillStyle = colour;
    histogram.counts.forEach((count, i) => {
      const from = this.x(histogram.low + i * size);
      const to = this.x(histogram.low + (i + 1) * size);
      const left = Number.isFinite(from) ? from : 0;
      if (count > 0 && to > 0 && left < width) {
        const tall = Math.max(1, (Math.sqrt(count) / most) * height);
        context.fillRect(left, height - tall, Math.max(1, to - left), tall);
      }
    });
  }

  private drawColours(context: CanvasRenderingContext2D, width: number, height: number): void {
    const table = colourTable(this.bar.map, this.bar.inverted);
    const [low, high] = [this.x(this.limits.low), this.x(this.limits.high)];
    for (let x = 0; x < width; x++) {
      const at = Math.max(0, Math.min(1, high > low ? (x + 0.5 - low) / (high - low) : 0));
      const i = 4 * Math.round(at * 255);
      context.fillStyle = `rgb(${table[i]} ${table[i + 1]} ${table[i + 2]})`;
      context.fillRect(x, height - STRIP, 1.5, STRIP);
    }
  }

  private placeHandles(): void {
    const keys = ['low', 'high'] as const;
    this.handles.forEach((handle, i) => {
      const value = this.limits[keys[i] ?? 'low'];
      const share = fraction(this.bar.scale, this.span, value);
      handle.style.left = `${100 * Math.max(0, Math.min(1, share))}%`;
      handle.setAttribute('aria-valuenow', String(value));
      handle.setAttribute('aria-valuetext', words(value));
      handle.setAttribute('aria-valuemin', String(this.span.low));
      handle.setAttribute('aria-valuemax', String(this.span.high));
    });
  }

  private handle(which: 'low' | 'high'): HTMLElement {
    const label = which === 'low' ? 'Lower limit of the colours' : 'Upper limit of the colours';
    const element = make('div', { class: 'hps-limit', role: 'slider', tabindex: 0, title: label, 'aria-label': label });
    element.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      element.focus();
      element.setPointerCapture(event.pointerId);
      this.held = true;
    });
    element.addEventListener('pointermove', (event) => {
      if (this.held && element.hasPointerCapture(event.pointerId)) {
        const box = this.canvas.getBoundingClientRect();
        this.move(which, (event.clientX - box.left) / box.width, false);
      }
    });
    const end = () => {
      if (this.held) {
        this.held = false;
        this.dragged.emit({ limits: this.limits, done: true });
      }
    };
    element.addEventListener('pointerup', end);
    element.addEventListener('pointercancel', end);
    element.addEventListener('keydown', (event) => this.pressed(event, which));
    return element;
  }

  private pressed(event: KeyboardEvent, which: 'low' | 'high'): void {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (step) {
      event.preventDefault();
      event.stopPropagation();
      const share = fraction(this.bar.scale, this.span, this.limits[which]);
      this.move(which, share + step * KEY_SHARE * (event.shiftKey ? 10 : 1), true);
    }
  }

  private move(which: 'low' | 'high', share: number, done: boolean): void {
    const { scale } = this.bar;
    const value = valueOf(scale, this.span, Math.max(0, Math.min(1, share)));
    const limits = { ...this.limits, [which]: value };
    if (forward(scale, limits.low) < forward(scale, limits.high)) {
      this.limits = limits;
      this.draw();
      this.dragged.emit({ limits, done });
    }
  }
}
