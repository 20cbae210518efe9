// The line below a slider: what each slice, or iteration, is like. A click goes there.

import { across, drawCourse, indexAt } from './courseplot';
import { inWords, pointWords, stateWords } from './coursewords';
import { make } from './dom';
import { Gathering } from './gathering';
import { Signal } from './signal';
import { axisName, type PlaneSource, type Scale } from './source';
import { onTheme, themeOf } from './theme';

const SECOND = 1000;

export interface CourseLook {
  /** Not folded away. */
  readonly open: boolean;
  readonly scale: Scale;
}

export class Course {
  readonly element: HTMLElement;
  readonly picked = new Signal<number>();
  readonly opened = new Signal<boolean>();
  private readonly gathering: Gathering;
  private readonly canvas = make('canvas', { role: 'img' });
  private readonly marker = make('div', { class: 'hps-course-marker' });
  private readonly line = make('div', { class: 'hps-course-line' }, this.canvas, this.marker);
  private readonly note = make('div', { class: 'hps-course-note' });
  private readonly fold = make('button', { type: 'button', class: 'hps-course-fold' });
  private readonly ends: (() => void)[] = [];
  private readonly name: string;
  private readonly growing: boolean;
  private index = 0;
  private size = 0;
  private look: CourseLook | null = null;
  private visible = false;
  private pointed: number | null = null;

  constructor(
    source: PlaneSource,
    axis: number,
    /** Above it, and as wide. */
    private readonly slider: HTMLElement
  ) {
    this.growing = source.growing === axis;
    const name = axisName(source, axis);
    this.name = this.growing && name === `axis ${axis}` ? 'iteration' : name;
    this.gathering = new Gathering(source, axis);
    this.gathering.came.connect(() => this.draw());
    this.fold.title = this.fold.ariaLabel = `Range and mean along ${this.name}`;
    this.fold.addEventListener('click', () => this.opened.emit(!this.look?.open));
    this.element = make('div', { class: 'hps-course' }, this.fold, this.line, this.note);
    this.handle();
    this.watch();
  }

  /** `moving`: a hand is on the slider, and nothing else shall take the server's time. */
  show(index: number, size: number, look: CourseLook, moving: boolean): void {
    const before = this.look;
    const resized = size !== this.size;
    [this.index, this.size, this.look] = [index, size, look];
    if (!before) {
      this.gathering.refresh(size);
    } else if (moving) {
      this.gathering.later();
    }
    if (look.open !== before?.open) {
      this.unfold(look.open);
    }
    if (resized || look.open !== before?.open || look.scale !== before.scale) {
      this.draw();
    }
    this.mark();
  }

  /** The data have changed, or there are more of them. */
  refresh(size: number): void {
    this.size = size;
    this.gathering.refresh(size);
    this.draw();
  }

  dispose(): void {
    this.ends.forEach((end) => end());
    this.gathering.dispose();
    this.picked.clear();
    this.opened.clear();
  }

  private unfold(open: boolean): void {
    this.fold.textContent = open ? '▾' : '▸';
    this.fold.setAttribute('aria-expanded', String(open));
    this.element.dataset.open = String(open);
    this.line.hidden = this.note.hidden = !open;
    this.gathering.look(open && this.visible);
  }

  private draw(): void {
    if (!this.look?.open || !this.visible) {
      return;
    }
    const [own, above] = [this.element.getBoundingClientRect(), this.slider.getBoundingClientRect()];
    this.line.style.left = `${above.left - own.left}px`;
    this.line.style.width = `${above.width}px`;
    this.note.style.left = `${above.right - own.left + 12}px`;
    const { points } = this.gathering;
    drawCourse(this.canvas, { points, size: this.size, scale: this.look.scale }, themeOf(this.element));
    this.element.dataset.points = String(points.length);
    this.mark();
    this.say();
  }

  private mark(): void {
    const width = this.line.clientWidth;
    this.marker.style.transform = `translateX(${across(this.index, this.size, width) - 1}px)`;
  }

  private say(): void {
    const { points, every, seen, latest, grew, problem } = this.gathering;
    const about = { name: this.name, growing: this.growing, size: this.size, every, seen, latest, grew };
    const point = this.pointed === null ? undefined : nearest(points, this.pointed);
    const lines = point ? pointWords(this.name, point) : stateWords(about);
    this.note.replaceChildren(...(problem ? [problem] : lines).map((words) => make('div', {}, words)));
    this.canvas.setAttribute('aria-label', inWords(about, points));
  }

  private handle(): void {
    const here = (event: PointerEvent) => {
      const { left, width } = this.canvas.getBoundingClientRect();
      return indexAt(event.clientX - left, this.size, width);
    };
    this.line.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      this.line.setPointerCapture(event.pointerId);
      this.picked.emit(here(event));
    });
    this.line.addEventListener('pointermove', (event) => {
      const index = here(event);
      this.pointed = index;
      this.say();
      if (this.line.hasPointerCapture(event.pointerId) && index !== this.index) {
        this.picked.emit(index);
      }
    });
    this.line.addEventListener('pointerleave', () => {
      this.pointed = null;
      this.say();
    });
  }

  private watch(): void {
    const seen = new IntersectionObserver((entries) => {
      this.visible = entries[entries.length - 1]?.isIntersecting ?? false;
      this.gathering.look(this.visible && (this.look?.open ?? false));
      this.draw();
    });
    seen.observe(this.element);
    const sized = new ResizeObserver(() => this.draw());
    sized.observe(this.slider);
    const ticking = window.setInterval(() => this.visible && this.look?.open && this.say(), SECOND);
    this.ends.push(() => seen.disconnect(), () => sized.disconnect(), () => window.clearInterval(ticking));
    this.ends.push(onTheme(() => this.draw()));
  }
}

function nearest<T extends { readonly index: number }>(points: readonly T[], index: number): T | undefined {
  return points.reduce<T | undefined>(
    (best, point) => (best && Math.abs(best.index - index) <= Math.abs(point.index - index) ? best : point),
    undefined
  );
}
