// The line below a picture: where the pointer is, the value there, and what is not yet exact.

import { make } from './dom';
import type { Heatmap } from './heatmap';
import type { Cut } from './pane';
import { words } from './scales';
import { axisName, type Plane, type PlaneSource, type Point, valueAt } from './source';

const EXACT_MILLISECONDS = 120;

interface Place {
  readonly cut: Cut;
  readonly map: Heatmap;
  readonly row: number;
  readonly column: number;
}

export class Reader {
  readonly element = make('div', { class: 'hps-note', role: 'status' });
  private plane: Plane | null = null;
  private place: Place | null = null;
  private problem = '';
  private reading = new AbortController();
  private resting = 0;

  constructor(private readonly source: PlaneSource) {}

  came(plane: Plane | null, cut: Cut): void {
    this.plane = plane;
    this.problem = '';
    if (this.place) {
      // The pointer rests, and the slice below it is another one.
      const { map, row, column } = this.place;
      const { rows, columns } = this.place.cut;
      this.point({ ...cut, rows, columns }, map, [row, column]);
    } else {
      this.say();
    }
  }

  fail(error: unknown): void {
    this.problem = error instanceof Error ? error.message : String(error);
    this.say();
  }

  /** What the picture says at once, and what the file says when the hand rests. */
  point(cut: Cut, map: Heatmap, point: Point | null): void {
    window.clearTimeout(this.resting);
    this.reading.abort();
    this.place = point && { cut, map, row: Math.floor(point[0]), column: Math.floor(point[1]) };
    this.say();
    if (this.place) {
      const place = this.place;
      this.resting = window.setTimeout(() => void this.readExactly(place), EXACT_MILLISECONDS);
    }
  }

  dispose(): void {
    window.clearTimeout(this.resting);
    this.reading.abort();
  }

  private async readExactly({ cut, row, column }: Place): Promise<void> {
    this.reading = new AbortController();
    const { signal } = this.reading;
    const { rows, columns, at, scale } = cut;
    const window = [row, row + 1, column, column + 1] as const;
    try {
      const request = { rows, columns, at, scale, window, domain: 'slice', part: '', bits: 0 } as const;
      const [value] = await this.source.exact(request, signal);
      if (!signal.aborted && value !== undefined) {
        this.say(words(value, 9));
      }
    } catch {
      // What is approximate stays, and says so.
    }
  }

  private say(exact?: string): void {
    this.element.classList.toggle('hps-problem', this.problem !== '');
    const header = this.plane?.header;
    const parts = [this.problem || this.underPointer(exact)];
    if (header && !this.problem) {
      parts.push(header.exact && header.step === 1 ? '' : `coarse: every ${header.step}. value`);
      parts.push(header.verified ? '' : 'unverified while written');
    }
    this.element.textContent = parts.filter(Boolean).join('   ·   ') || (this.source.label ?? '');
  }

  private underPointer(exact: string | undefined): string {
    if (!this.place) {
      return '';
    }
    const { cut, map, row, column } = this.place;
    const seen = map.valueAt(row, column);
    const where = [[cut.rows, row], [cut.columns, column]].map(([axis = 0, index = 0]) => {
      const info = this.source.axes[axis];
      const unit = info?.unit ? ` ${info.unit}` : '';
      const place = info?.values ? ` (${words(valueAt(info, index))}${unit})` : '';
      return `${axisName(this.source, axis)} ${index}${place}`;
    });
    const value = exact ?? (seen ? `${seen.exact ? '' : '≈ '}${words(seen.value, 4)}` : '');
    return `${where.join(', ')}:  ${value}`;
  }
}
