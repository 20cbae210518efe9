// Which colours, which scale, and from where to where: the bar below a picture.

import { isMap, MAPS, type MapName } from './colormaps';
import { button, make, select } from './dom';
import { Histogram } from './histogram';
import { type Limits, words } from './scales';
import { Signal } from './signal';
import type { Domain, Scale, Statistics } from './source';

export interface Colouring {
  readonly map: MapName;
  readonly inverted: boolean;
  readonly scale: Scale;
  readonly domain: Domain;
}

export const FIRST_COLOURING: Colouring = {
  map: 'viridis',
  inverted: false,
  scale: 'linear',
  domain: 'slice',
};

const DOMAINS = [
  ['slice', 'this slice'],
  ['dataset', 'whole data set'],
  ['98', '1 to 99 %'],
  ['96', '2 to 98 %'],
  ['90', '5 to 95 %'],
  ['typed', 'typed'],
] as const;

const SCALES = [
  ['linear', 'linear'],
  ['log', 'log'],
  ['symlog', 'symlog'],
] as const;

export class ColourBar {
  readonly element: HTMLElement;
  readonly changed = new Signal<Colouring>();
  /** Limits that are being dragged, for the eye; `changed` follows when they are let go. */
  readonly dragged = new Signal<Limits>();
  private colouring: Colouring = FIRST_COLOURING;
  private readonly map = select('Colours', MAPS.map((name) => [name, name] as const), (map) => this.set({ map }));
  private readonly invert = button('Inverted colours', '⇄', () => this.set({ inverted: !this.colouring.inverted }));
  private readonly scale = select('Scale', SCALES, (scale) => this.set({ scale }));
  private readonly domain = select('Colours span', DOMAINS, (kind) => this.choose(kind));
  private readonly low = this.field('Lowest value', 0);
  private readonly high = this.field('Highest value', 1);
  private readonly histogram = new Histogram();
  private limits: readonly [number, number] = [0, 1];

  constructor() {
    this.element = make(
      'div',
      { class: 'hps-row', role: 'group', 'aria-label': 'Colours' },
      this.map,
      this.invert,
      this.scale,
      this.domain,
      make('div', { class: 'hps-span' }, this.low, this.histogram.element, this.high)
    );
    this.histogram.dragged.connect(({ limits, done }) => this.drag(limits, done));
    this.show(this.colouring);
  }

  show(colouring: Colouring): void {
    this.colouring = colouring;
    const { map, inverted, scale, domain } = colouring;
    this.map.value = map;
    this.scale.value = scale;
    this.domain.value = kindOf(domain);
    this.invert.setAttribute('aria-pressed', String(inverted));
    this.draw();
  }

  /** How often each value is there; null while it is not known. */
  tellStatistics(statistics: Statistics | null): void {
    this.histogram.tell(statistics);
  }

  draw(): void {
    const [low, high] = this.limits;
    this.histogram.show(this.colouring, { low, high });
  }

  /** What the picture's colours span, as the server has found it. */
  tell(limits: readonly [number, number]): void {
    this.limits = limits;
    this.draw();
    [this.low, this.high].forEach((input, i) => {
      if (document.activeElement !== input) {
        input.value = words(limits[i] ?? 0, 4).replace('−', '-');
      }
    });
  }

  private set(change: Partial<Colouring>): void {
    this.show({ ...this.colouring, ...change });
    this.changed.emit(this.colouring);
  }

  private choose(kind: (typeof DOMAINS)[number][0]): void {
    const share = Number(kind);
    const spanned = share ? { percentiles: [(100 - share) / 2, (100 + share) / 2] as const } : this.limits;
    this.set({ domain: kind === 'slice' || kind === 'dataset' ? kind : spanned });
  }

  private drag(limits: Limits, done: boolean): void {
    this.tell([limits.low, limits.high]);
    if (done) {
      this.set({ domain: this.limits });
    } else {
      this.dragged.emit(limits);
    }
  }

  private field(label: string, index: 0 | 1): HTMLInputElement {
    const input = make('input', { class: 'hps-number', title: label, 'aria-label': label, inputmode: 'decimal' });
    input.addEventListener('change', () => {
      const value = Number(input.value.replace('−', '-'));
      const limits: [number, number] = [...this.limits];
      limits[index] = value;
      const usable = input.value.trim() !== '' && Number.isFinite(value) && limits[0] < limits[1];
      input.setAttribute('aria-invalid', String(!usable));
      if (usable) {
        this.limits = limits;
        this.set({ domain: limits });
      }
    });
    return input;
  }
}

export function colouringOf(value: Partial<Record<keyof Colouring, unknown>>): Colouring {
  const { map, inverted, scale, domain } = value;
  return {
    map: typeof map === 'string' && isMap(map) ? map : FIRST_COLOURING.map,
    inverted: inverted === true,
    scale: scale === 'log' || scale === 'symlog' ? scale : 'linear',
    domain: domainOf(domain),
  };
}

function domainOf(value: unknown): Domain {
  if (value === 'dataset') {
    return value;
  }
  const pair = (of: unknown): of is [number, number] =>
    Array.isArray(of) && of.length === 2 && of.every((one) => Number.isFinite(one));
  if (pair(value)) {
    return value;
  }
  const percentiles = (value as { percentiles?: unknown } | null)?.percentiles;
  return pair(percentiles) ? { percentiles } : 'slice';
}

function kindOf(domain: Domain): string {
  if (typeof domain === 'string') {
    return domain;
  }
  return 'percentiles' in domain ? String(domain.percentiles[1] - domain.percentiles[0]) : 'typed';
}
