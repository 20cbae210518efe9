// Values as a table of any length: only what is in sight is asked for and drawn.

import type { Node, Value } from './answers';
import type { Api } from './api';
import { isSuperseded } from './api';
import type { Grid } from './grid';
import { cellOf, gridOf, keyOf } from './grid';
import { make } from './view/dom';
import { Signal } from './view/signal';

const ROW = 24;
/** A double is seen to its last digit: an exponent that is cut off makes another value of it. */
const COLUMN = 212;
const HEAD = 84;
/** Browsers know no taller elements; beyond, a table scrolls faster than the hand. */
const TALLEST = 8_000_000;
const BLOCK_ROWS = 200;
const BLOCK_COLUMNS = 40;
const KEPT = 64;

export class Table {
  readonly element: HTMLElement;
  readonly failed = new Signal<unknown>();
  private readonly grid: Grid;
  private readonly at: number[];
  private readonly area = make('div', { class: 'hps-table-area', tabindex: 0 });
  private readonly space = make('div', { class: 'hps-table-space' });
  private readonly sheet = make('table', { class: 'hps-table-sheet' });
  private readonly blocks = new Map<string, Value | 'asked'>();
  private readonly observer: ResizeObserver;
  private asking = new AbortController();

  constructor(
    private readonly api: Api,
    private readonly file: string,
    private readonly node: Node
  ) {
    this.grid = gridOf(node);
    this.at = (node.shape ?? []).map(() => 0);
    const width = HEAD + this.grid.columns * COLUMN;
    this.space.style.width = `${Math.min(width, TALLEST)}px`;
    this.space.style.height = `${Math.min((this.grid.rows + 1) * ROW, TALLEST)}px`;
    this.area.setAttribute('aria-label', `Values of ${node.path}`);
    this.area.append(this.space, this.sheet);
    this.area.addEventListener('scroll', () => this.draw());
    this.element = make('div', { class: 'hps-table' }, ...this.controls(), this.area);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.area);
  }

  dispose(): void {
    this.observer.disconnect();
    this.asking.abort();
  }

  /** The file has changed. */
  refresh(): void {
    this.blocks.clear();
    this.draw();
  }

  /** An index for each axis before the last two, and the row to go to. */
  private controls(): HTMLElement[] {
    const shape = this.node.shape ?? [];
    const before = shape.slice(0, Math.max(0, shape.length - 2));
    const inputs = before.map((size, axis) =>
      numberField(`axis ${axis}`, size - 1, (value) => {
        this.at[axis] = value;
        this.asking.abort();
        this.asking = new AbortController();
        this.refresh();
      })
    );
    if (this.grid.rows > 100) {
      inputs.push(numberField('go to row', this.grid.rows - 1, (row) => this.goTo(row)));
    }
    return inputs.length > 0 ? [make('div', { class: 'hps-bar-row' }, ...inputs)] : [];
  }

  private goTo(row: number): void {
    const { scrollHeight, clientHeight } = this.area;
    const most = Math.max(1, this.grid.rows - this.rowsInSight());
    this.area.scrollTop = (Math.min(row, most) / most) * (scrollHeight - clientHeight);
  }

  private rowsInSight(): number {
    return Math.max(1, Math.floor(this.area.clientHeight / ROW) - 1);
  }

  private draw(): void {
    const { scrollTop, scrollLeft, scrollHeight, clientHeight, clientWidth } = this.area;
    if (clientHeight === 0) {
      return;
    }
    const way = Math.max(1, scrollHeight - clientHeight);
    const sight = this.rowsInSight();
    const firstRow = Math.round((scrollTop / way) * Math.max(0, this.grid.rows - sight));
    const firstColumn = Math.min(Math.floor(scrollLeft / COLUMN), this.grid.columns - 1);
    const lastRow = Math.min(this.grid.rows, firstRow + sight + 1);
    const lastColumn = Math.min(this.grid.columns, firstColumn + Math.ceil(clientWidth / COLUMN) + 1);
    const head = [make('th', { scope: 'col' }, '')];
    for (let column = firstColumn; column < lastColumn; column++) {
      head.push(make('th', { scope: 'col' }, this.columnName(column)));
    }
    const lines = [make('tr', {}, ...head)];
    for (let row = firstRow; row < lastRow; row++) {
      const cells = [make('th', { scope: 'row' }, String(row))];
      for (let column = firstColumn; column < lastColumn; column++) {
        const text = this.cell(row, column);
        cells.push(make('td', { title: text }, text));
      }
      lines.push(make('tr', {}, ...cells));
    }
    this.sheet.replaceChildren(...lines);
    this.sheet.style.transform = `translate(${scrollLeft - (scrollLeft % COLUMN)}px, ${scrollTop}px)`;
  }

  private columnName(column: number): string {
    if (this.grid.names) {
      return this.grid.names[column] ?? '';
    }
    return (this.node.shape?.length ?? 0) < 2 ? 'value' : String(column);
  }

  private cell(row: number, column: number): string {
    const width = this.grid.names ? this.grid.columns : BLOCK_COLUMNS;
    const [top, left] = [row - (row % BLOCK_ROWS), column - (column % width)];
    const key = keyOf(
      this.node,
      this.at,
      [top, Math.min(top + BLOCK_ROWS, this.grid.rows)],
      [left, Math.min(left + width, this.grid.columns)]
    );
    const block = this.blocks.get(key);
    if (block === undefined) {
      void this.load(key);
    }
    return block === undefined || block === 'asked'
      ? '…'
      : cellOf(this.node, block, row - top, column - left);
  }

  private async load(key: string): Promise<void> {
    this.blocks.set(key, 'asked');
    const { signal } = this.asking;
    try {
      const { values } = await this.api.values(this.file, this.node.path, key, signal);
      this.keep(key, values);
      this.draw();
    } catch (error) {
      if (!isSuperseded(error)) {
        this.failed.emit(error);
      }
    }
  }

  private keep(key: string, values: Value): void {
    this.blocks.delete(key);
    this.blocks.set(key, values);
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= KEPT) {
        break;
      }
      this.blocks.delete(oldest);
    }
  }
}

function numberField(name: string, most: number, chosen: (value: number) => void): HTMLElement {
  const input = make('input', { type: 'number', min: 0, max: most, value: 0, class: 'hps-number' });
  input.addEventListener('change', () => {
    const value = Math.max(0, Math.min(most, Math.round(Number(input.value) || 0)));
    input.value = String(value);
    chosen(value);
  });
  return make('label', { class: 'hps-field' }, name, input, make('span', { class: 'hps-faint' }, `of ${most}`));
}
