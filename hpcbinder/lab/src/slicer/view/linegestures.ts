// What a hand does on the plot of a line: point, zoom with the wheel, show everything.

import { frameOf, MARGIN } from './plot';
import type { Limits } from './scales';

export interface LineHand {
  /** The indices that are seen, and how many there are. */
  readonly seen: Limits;
  readonly size: number;
  point(index: number | null): void;
  /** Null: everything. */
  range(range: Limits | null, moving: boolean): void;
}

const CLOSEST = 4;

export function handle(plot: HTMLElement, hand: LineHand): void {
  const index = (event: MouseEvent) => {
    const { left } = plot.getBoundingClientRect();
    const { width } = frameOf(plot.clientWidth, plot.clientHeight);
    const { low, high } = hand.seen;
    return Math.floor(low + ((event.clientX - left - MARGIN.left) / width) * (high - low));
  };
  plot.addEventListener('pointermove', (event) => {
    const at = index(event);
    hand.point(at >= hand.seen.low && at < hand.seen.high ? at : null);
  });
  plot.addEventListener('pointerleave', () => hand.point(null));
  plot.addEventListener('dblclick', () => hand.range(null, false));
  const turned = (event: WheelEvent) => {
    event.preventDefault();
    hand.range(zoomed(hand, Math.exp(event.deltaY * 0.002), index(event)), true);
  };
  plot.addEventListener('wheel', turned, { passive: false });
}

function zoomed({ seen, size }: LineHand, factor: number, around: number): Limits | null {
  const { low, high } = seen;
  const room = Math.max(CLOSEST, Math.round((high - low) * factor));
  if (room >= size) {
    return null;
  }
  const share = (around - low) / (high - low);
  const first = Math.max(0, Math.min(size - room, Math.round(around - share * room)));
  return { low: first, high: first + room };
}
