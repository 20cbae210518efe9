// One axis that is not on screen: a slider, a number, arrows, and a film of it.

import { button, make } from './dom';
import { words } from './scales';
import { Signal } from './signal';
import type { AxisInfo } from './source';
import { valueAt } from './source';

const RATES = [2, 5, 10, 20, 30, 60];
/** A film is no more slices ahead of what is seen: it waits for those that come late. */
const AHEAD = 2;

export class Stepper {
  readonly element: HTMLElement;
  readonly changed = new Signal<number>();
  private index = 0;
  private last = 0;
  private playing = 0;
  /** Where the film has gone to, and what of it is on screen. */
  private filmed = 0;
  private seen = 0;
  /** What stands below it is as wide. */
  readonly slider = make('input', { type: 'range', class: 'hps-slider', min: 0, step: 1 });
  private readonly number = make('input', { type: 'number', class: 'hps-number', min: 0 });
  private readonly place = make('span', { class: 'hps-place' });
  private readonly play = button('Play', '▶', () => this.toggle());
  private readonly rate = make('select', { class: 'hps-select', title: 'Slices a second', 'aria-label': 'Slices a second' });

  constructor(
    name: string,
    private readonly axis: AxisInfo | undefined
  ) {
    this.slider.setAttribute('aria-label', `Index along ${name}`);
    this.number.setAttribute('aria-label', `Index along ${name}, as a number`);
    this.slider.addEventListener('input', () => this.go(Number(this.slider.value)));
    this.slider.addEventListener('keydown', (event) => this.pressed(event));
    // A film would write over what is being typed.
    this.number.addEventListener('input', () => this.stop());
    this.number.addEventListener('change', () => this.go(Number(this.number.value)));
    this.rate.append(...RATES.map((rate) => make('option', { value: rate, selected: rate === 10 }, `${rate} / s`)));
    const label = make('span', { class: 'hps-axis' }, name);
    this.element = make('div', { class: 'hps-row' }, label, this.slider, this.number, this.place, this.play, this.rate);
  }

  show(index: number, size: number): void {
    this.last = size - 1;
    this.index = index;
    this.slider.max = this.number.max = String(this.last);
    this.slider.value = this.number.value = String(index);
    const known = this.axis?.values;
    const unit = this.axis?.unit ? ` ${this.axis.unit}` : '';
    this.place.textContent = known ? `${words(valueAt(this.axis, index))}${unit}` : `of ${this.last}`;
    this.slider.setAttribute('aria-valuetext', `${index} of ${this.last}, ${this.place.textContent}`);
    if (this.playing && index !== this.filmed) {
      // A hand wants to be somewhere else.
      this.stop();
    }
  }

  /** The slice at this index is on screen. */
  came(index: number): void {
    this.seen = index;
  }

  step(by: number): void {
    this.go(this.index + by);
  }

  dispose(): void {
    window.clearTimeout(this.playing);
    this.changed.clear();
  }

  private go(index: number): void {
    const to = Math.max(0, Math.min(this.last, Math.round(index) || 0));
    if (to !== this.index) {
      this.changed.emit(to);
    } else {
      this.show(to, this.last + 1);
    }
  }

  private pressed(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (step) {
      event.preventDefault();
      event.stopPropagation();
      this.step(event.shiftKey ? 10 * step : step);
    }
  }

  private toggle(): void {
    if (this.playing) {
      this.stop();
    } else {
      this.filmed = this.seen = this.index;
      this.film(performance.now() + this.period);
      this.tellPlaying();
    }
  }

  private stop(): void {
    window.clearTimeout(this.playing);
    this.playing = 0;
    this.tellPlaying();
  }

  private tellPlaying(): void {
    this.play.textContent = this.playing ? '⏸' : '▶';
    this.play.setAttribute('aria-pressed', String(this.playing !== 0));
  }

  private get period(): number {
    return 1000 / Number(this.rate.value);
  }

  /** One after the other, and from the beginning again; `due`: when the next one is. */
  private film(due: number): void {
    this.playing = window.setTimeout(() => {
      const size = this.last + 1;
      if ((this.filmed - this.seen + size) % size < AHEAD) {
        this.filmed = (this.filmed + 1) % size;
        this.changed.emit(this.filmed);
      }
      if (this.playing) {
        this.film(Math.max(due + this.period, performance.now()));
      }
    }, due - performance.now());
  }
}
