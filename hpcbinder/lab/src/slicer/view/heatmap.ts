// A plane as a picture with axes: zoom, pan, the value under the pointer, cross-hairs, a drawn line.

import { drawAxes, type Frame } from './axes';
import { colourTable, type MapName } from './colormaps';
import { button, make, sized } from './dom';
import { follow, type Hands, type Spot } from './gestures';
import { makePainter } from './makepainter';
import { drawCross, drawLine } from './marks';
import type { Look, Painter } from './painter';
import { type Limits, planeValue, usable } from './scales';
import { Signal } from './signal';
import type { AxisInfo, Plane, Point, Scale } from './source';
import { onTheme, themeOf } from './theme';
import { Viewport } from './viewport';
import { isCoded } from './wire';

export interface Colours {
  readonly map: MapName;
  readonly inverted: boolean;
  readonly scale: Scale;
  readonly limits: Limits;
}

export interface ScreenAxis {
  readonly axis: AxisInfo | undefined;
  readonly name: string;
}

export interface Seen {
  readonly value: number;
  /** Not approximated: as it is in the file. */
  readonly exact: boolean;
}

const MARGIN = { left: 66, top: 10, right: 14, bottom: 40 };
const BUTTON_STEP = 1.5;

export class Heatmap {
  readonly element: HTMLElement;
  readonly viewport = new Viewport(1, 1);
  readonly moved = new Signal<void>();
  readonly pointed = new Signal<Point | null>();
  readonly clicked = new Signal<Point>();
  readonly turned = new Signal<number>();
  readonly drawn = new Signal<{ points: readonly [Point, Point]; done: boolean }>();
  /** The wheel steps through slices, and does not zoom. */
  wheelTurns = false;
  drawing = false;
  cross: Point | null = null;
  line: readonly [Point, Point] | null = null;

  private readonly painter: Painter;
  private readonly overlay = make('canvas', { class: 'hps-overlay', 'aria-hidden': 'true' });
  private readonly planes: (Plane | null)[] = [null, null];
  private readonly ends: (() => void)[] = [];
  private rows: ScreenAxis = { axis: undefined, name: '' };
  private columns: ScreenAxis = { axis: undefined, name: '' };
  private colours: Colours | null = null;
  private table: { key: string; colours: Uint8Array } | null = null;
  private frame: Frame = { left: 0, top: 0, width: 1, height: 1 };
  private waiting = 0;

  constructor(painter?: Painter['kind']) {
    this.painter = makePainter(painter);
    const { canvas } = this.painter;
    canvas.classList.add('hps-image');
    canvas.setAttribute('role', 'img');
    this.element = make('div', { class: 'hps-heatmap' }, canvas, this.overlay, this.buttons());
    follow(canvas, this.hands(), () => this);
    const observer = new ResizeObserver(() => this.layOut());
    observer.observe(this.element);
    this.ends.push(() => observer.disconnect(), onTheme(() => this.invalidate()));
  }

  get kind(): Painter['kind'] {
    return this.painter.kind;
  }

  /** Planes of another size begin whole; others stay where they were looked at. */
  setAxes(rows: ScreenAxis & { count: number }, columns: ScreenAxis & { count: number }, ratio: number): void {
    this.rows = rows;
    this.columns = columns;
    const { viewport } = this;
    if (viewport.rows !== rows.count || viewport.columns !== columns.count || viewport.ratio !== ratio) {
      viewport.reset(rows.count, columns.count, ratio);
    }
    this.invalidate();
  }

  setPlane(slot: number, plane: Plane | null): void {
    this.planes[slot] = plane;
    this.painter.upload(slot, plane);
    this.invalidate();
  }

  setColours(colours: Colours): void {
    this.colours = colours;
    this.invalidate();
  }

  describe(text: string): void {
    this.painter.canvas.setAttribute('aria-label', text);
  }

  /** What the uppermost plane says of a row and column; null where there is none. */
  valueAt(row: number, column: number): Seen | null {
    for (const plane of [...this.planes].reverse()) {
      const window = plane?.header.window;
      if (plane && window && row >= window[0] && row < window[1] && column >= window[2] && column < window[3]) {
        const { step, shape } = plane.header;
        const at = [Math.floor((row - window[0]) / step), Math.floor((column - window[2]) / step)] as const;
        const value = planeValue(plane, Math.min(at[0], shape[0] - 1) * shape[1] + Math.min(at[1], shape[1] - 1));
        return { value, exact: step === 1 && !isCoded(plane.header) };
      }
    }
    return null;
  }

  /** Closer or farther, around the middle. */
  zoom(factor: number): void {
    this.viewport.zoom(factor, this.viewport.width / 2, this.viewport.height / 2);
    this.changed();
  }

  fit(): void {
    this.viewport.fit();
    this.changed();
  }

  pan(dx: number, dy: number): void {
    this.viewport.pan(dx, dy);
    this.changed();
  }

  invalidate(): void {
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw();
    });
  }

  /** What is seen, axes and all, onto another canvas. */
  capture(context: CanvasRenderingContext2D): void {
    this.draw();
    const { left, top, width, height } = this.frame;
    context.drawImage(this.painter.canvas, left, top, width, height);
    context.drawImage(this.overlay, 0, 0, this.element.clientWidth, this.element.clientHeight);
  }

  dispose(): void {
    cancelAnimationFrame(this.waiting);
    this.ends.forEach((end) => end());
    this.painter.dispose();
    this.element.remove();
  }

  private draw(): void {
    const theme = themeOf(this.element);
    this.painter.look(this.lookNow(theme.bad));
    this.painter.draw(this.viewport.rect, this.viewport.flipped);
    const { clientWidth, clientHeight } = this.element;
    const ratio = sized(this.overlay, clientWidth, clientHeight);
    const context = this.overlay.getContext('2d');
    if (!context) {
      return;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, clientWidth, clientHeight);
    drawAxes(context, this.frame, this.viewport, this.rows, this.columns, theme);
    if (this.cross) {
      drawCross(context, this.frame, this.viewport, this.cross);
    }
    if (this.line) {
      drawLine(context, this.frame, this.viewport, this.line, theme);
    }
  }

  private lookNow(bad: Look['bad']): Look {
    const { map, inverted, scale, limits } = this.colours ?? { map: 'viridis', inverted: false, scale: 'linear', limits: { low: 0, high: 1 } };
    const key = `${map} ${inverted}`;
    if (this.table?.key !== key) {
      this.table = { key, colours: colourTable(map, inverted) };
    }
    return { table: this.table.colours, bad, scale, limits: usable(scale, limits) };
  }

  private layOut(): void {
    const { clientWidth, clientHeight } = this.element;
    const width = Math.max(1, clientWidth - MARGIN.left - MARGIN.right);
    const height = Math.max(1, clientHeight - MARGIN.top - MARGIN.bottom);
    this.frame = { left: MARGIN.left, top: MARGIN.top, width, height };
    const { canvas } = this.painter;
    Object.assign(canvas.style, { left: `${MARGIN.left}px`, top: `${MARGIN.top}px`, width: `${width}px`, height: `${height}px` });
    sized(canvas, width, height);
    this.viewport.resize(width, height);
    // At once: a canvas that was given a size is empty until it is drawn.
    this.draw();
    this.moved.emit();
  }

  private changed(): void {
    this.invalidate();
    this.moved.emit();
  }

  private hands(): Hands {
    const inside = ([row, column]: Point): Point | null =>
      row >= 0 && column >= 0 && row < this.viewport.rows && column < this.viewport.columns ? [row, column] : null;
    const data = ({ x, y }: Spot) => this.viewport.toData(x, y);
    return {
      pan: (dx, dy) => this.pan(dx, dy),
      zoom: (factor, x, y) => {
        this.viewport.zoom(factor, x, y);
        this.changed();
      },
      turn: (steps) => this.turned.emit(steps),
      point: (x, y) => this.pointed.emit(inside(data({ x, y }))),
      leave: () => this.pointed.emit(null),
      click: (x, y) => {
        const at = inside(data({ x, y }));
        if (at) {
          this.clicked.emit(at);
        }
      },
      fit: () => this.fit(),
      draw: (from, to, done) => {
        this.line = [data(from), data(to)];
        this.invalidate();
        this.drawn.emit({ points: this.line, done });
      },
    };
  }

  private buttons(): HTMLElement {
    return make(
      'div',
      { class: 'hps-zoom', role: 'group', 'aria-label': 'Zoom' },
      button('Zoom in (+)', '+', () => this.zoom(BUTTON_STEP)),
      button('Zoom out (−)', '−', () => this.zoom(1 / BUTTON_STEP)),
      button('Show everything (0, or double click)', '⤢', () => this.fit())
    );
  }
}
