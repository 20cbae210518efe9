// What every painter of planes can do, and what they share.

import type { Colour } from './colormaps';
import type { Limits } from './scales';
import type { Plane, Scale } from './source';
import type { Rect } from './viewport';

/** How values become colours. */
export interface Look {
  /** 256 colours of four bytes. */
  readonly table: Uint8Array;
  /** What is no number; hatched. */
  readonly bad: Colour;
  readonly limits: Limits;
  readonly scale: Scale;
}

export interface Painter {
  readonly kind: 'webgl2' | 'canvas2d';
  readonly canvas: HTMLCanvasElement;
  /** Planes lie above each other by their slots: a coarse whole first, then what is seen in detail. */
  upload(slot: number, plane: Plane | null): void;
  look(look: Look): void;
  /** The canvas' size is what its element is given before. */
  draw(rect: Rect, flipped: boolean): void;
  dispose(): void;
}

export const SLOTS = 2;

/** The limits as fractions of what a plane's codes span, along its own scale. */
export function codeLimits(look: Look, fraction: (value: number) => number): [number, number] {
  const [low, high] = [fraction(look.limits.low), fraction(look.limits.high)];
  // What the plane's scale has no value for is below everything that it has one for.
  return [Number.isFinite(low) ? low : 0, Number.isFinite(high) ? high : 1];
}
