// Which part of a plane is seen, and where on the screen each of its points lies.

import type { Point } from './source';

/** A part of a plane in rows and columns; 0 is the first one's edge, not its middle. */
export interface Rect {
  readonly row0: number;
  readonly row1: number;
  readonly column0: number;
  readonly column1: number;
}

/** No closer than this many rows or columns across the screen. */
const FEWEST = 4;

export class Viewport {
  width = 1;
  height = 1;
  rect: Rect;
  /** First row at the bottom, as in a diagram, and not at the top, as in a picture. */
  flipped = false;
  /** The height of a row over the width of a column; 0: whatever fills the screen. */
  ratio: number;

  constructor(
    public rows: number,
    public columns: number,
    ratio = 0
  ) {
    this.ratio = ratio;
    this.rect = { row0: 0, row1: rows, column0: 0, column1: columns };
  }

  /** A plane of another size, or of another shape on the screen: seen whole. */
  reset(rows: number, columns: number, ratio: number): void {
    this.rows = rows;
    this.columns = columns;
    this.ratio = ratio;
    this.fit();
  }

  resize(width: number, height: number): void {
    const whole = this.isWhole;
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    if (whole) {
      this.fit();
    } else {
      this.show(this.rect);
    }
  }

  get isWhole(): boolean {
    const { row0, row1, column0, column1 } = this.rect;
    return row0 <= 0 && column0 <= 0 && row1 >= this.rows && column1 >= this.columns;
  }

  fit(): void {
    this.rect = this.shaped(this.rows / 2, this.columns / 2, this.rows, this.columns);
  }

  /** As much as the given part and what the screen's shape adds to it. */
  show(rect: Rect): void {
    const row = (rect.row0 + rect.row1) / 2;
    const column = (rect.column0 + rect.column1) / 2;
    this.rect = this.held(
      this.shaped(row, column, rect.row1 - rect.row0, rect.column1 - rect.column0)
    );
  }

  /** Closer (a factor above 1) or farther, with what lies below the point staying there. */
  zoom(factor: number, x: number, y: number): void {
    const { row0, row1, column0, column1 } = this.rect;
    const closest = Math.max((column1 - column0) / Math.min(FEWEST, this.columns), 1e-9);
    const by = Math.min(factor, Math.max(1, closest));
    const [row, column] = this.toData(x, y);
    this.rect = this.held({
      row0: row - (row - row0) / by,
      row1: row + (row1 - row) / by,
      column0: column - (column - column0) / by,
      column1: column + (column1 - column) / by,
    });
  }

  pan(dx: number, dy: number): void {
    const { row0, row1, column0, column1 } = this.rect;
    const columns = (dx / this.width) * (column1 - column0);
    const rows = ((this.flipped ? -dy : dy) / this.height) * (row1 - row0);
    this.rect = this.held({
      row0: row0 - rows,
      row1: row1 - rows,
      column0: column0 - columns,
      column1: column1 - columns,
    });
  }

  toScreen(row: number, column: number): { x: number; y: number } {
    const { row0, row1, column0, column1 } = this.rect;
    const down = (row - row0) / (row1 - row0);
    return {
      x: ((column - column0) / (column1 - column0)) * this.width,
      y: (this.flipped ? 1 - down : down) * this.height,
    };
  }

  toData(x: number, y: number): Point {
    const { row0, row1, column0, column1 } = this.rect;
    const down = y / this.height;
    return [
      row0 + (this.flipped ? 1 - down : down) * (row1 - row0),
      column0 + (x / this.width) * (column1 - column0),
    ];
  }

  /** Columns of the plane for each pixel of the screen. */
  get density(): number {
    const { row0, row1, column0, column1 } = this.rect;
    return Math.min((column1 - column0) / this.width, (row1 - row0) / this.height);
  }

  /** The smallest part of the screen's shape that holds so many rows and columns. */
  private shaped(row: number, column: number, rows: number, columns: number): Rect {
    if (this.ratio > 0) {
      const wanted = (this.height / this.width / this.ratio) * columns;
      if (wanted >= rows) {
        rows = wanted;
      } else {
        columns = ((this.width / this.height) * this.ratio) * rows;
      }
    }
    return {
      row0: row - rows / 2,
      row1: row + rows / 2,
      column0: column - columns / 2,
      column1: column + columns / 2,
    };
  }

  /** Never farther away than the whole, and never beside it. */
  private held(rect: Rect): Rect {
    const whole = this.shaped(this.rows / 2, this.columns / 2, this.rows, this.columns);
    const [row0, row1] = within(rect.row0, rect.row1, whole.row0, whole.row1);
    const [column0, column1] = within(rect.column0, rect.column1, whole.column0, whole.column1);
    return { row0, row1, column0, column1 };
  }
}

function within(low: number, high: number, least: number, most: number): [number, number] {
  if (high - low >= most - least) {
    return [least, most];
  }
  const shift = Math.max(0, least - low) - Math.max(0, high - most);
  return [low + shift, high + shift];
}
