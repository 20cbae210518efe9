// What `gl.ts` does, without a GPU: one pixel of the screen after the other.

import type { Look, Painter } from './painter';
import { codeLimits, SLOTS } from './painter';
import { forward, fraction } from './scales';
import type { Plane } from './source';
import type { Rect } from './viewport';
import { isCoded, largestCode } from './wire';

/** The colour of a code or value; -1 where there is none. */
type Lookup = (code: number) => number;

export class Canvas2dPainter implements Painter {
  readonly kind = 'canvas2d';
  private readonly planes: (Plane | null)[] = Array(SLOTS).fill(null);
  private current: Look | null = null;

  constructor(readonly canvas: HTMLCanvasElement) {}

  upload(slot: number, plane: Plane | null): void {
    this.planes[slot] = plane;
  }

  look(look: Look): void {
    this.current = look;
  }

  draw(rect: Rect, flipped: boolean): void {
    const context = this.canvas.getContext('2d');
    const { width, height } = this.canvas;
    if (!context || !this.current || !width || !height) {
      return;
    }
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (const plane of this.planes) {
      if (plane) {
        paint(pixels, width, height, plane, this.current, rect, flipped);
      }
    }
    context.putImageData(image, 0, 0);
  }

  dispose(): void {
    this.planes.fill(null);
  }
}

/** For each pixel along one side of the screen, the row or column of the plane; -1 beside it. */
export function places(pixels: number, from: number, to: number, low: number, high: number, step: number, count: number): Int32Array {
  return Int32Array.from({ length: pixels }, (_, i) => {
    const at = from + ((to - from) * (i + 0.5)) / pixels;
    return at < low || at >= high ? -1 : Math.min(count - 1, Math.floor((at - low) / step));
  });
}

function paint(pixels: Uint32Array, width: number, height: number, plane: Plane, look: Look, rect: Rect, flipped: boolean): void {
  const { shape, window, step } = plane.header;
  const [top, bottom] = flipped ? [rect.row1, rect.row0] : [rect.row0, rect.row1];
  const rows = places(height, top, bottom, window[0], window[1], step, shape[0]);
  const columns = places(width, rect.column0, rect.column1, window[2], window[3], step, shape[1]);
  const colours = new Uint32Array(look.table.buffer, look.table.byteOffset, look.table.length / 4);
  const lookup = lookupOf(plane, look);
  const bad = [packed(look.bad, 1), packed(look.bad, 0.86)] as const;
  for (let y = 0; y < height; y++) {
    const row = rows[y] ?? -1;
    for (let x = 0; row >= 0 && x < width; x++) {
      const column = columns[x] ?? -1;
      if (column >= 0) {
        const at = lookup(plane.codes[row * shape[1] + column] ?? NaN);
        // Stripes go up to the right, as the GPU draws them from the bottom.
        const stripe = (((x + height - 1 - y) & 7) < 4 ? bad[0] : bad[1]) >>> 0;
        pixels[y * width + x] = at < 0 ? stripe : (colours[at] ?? 0);
      }
    }
  }
}

function lookupOf(plane: Plane, look: Look): Lookup {
  const { domain, scale, threshold } = plane.header;
  const place = (at: number, low: number, high: number) => {
    const where = high === low ? (at < low ? 0 : 1) : (at - low) / (high - low);
    return Math.floor(Math.max(0, Math.min(where, 1)) * 255 + 0.5);
  };
  if (!isCoded(plane.header)) {
    const [low, high] = codeLimits(look, (value) => forward(look.scale, value, threshold));
    return (value) => {
      const at = forward(look.scale, value, threshold);
      return Number.isNaN(at) ? -1 : place(at, low, high);
    };
  }
  const spanned = { low: domain[0], high: domain[1] };
  const [low, high] = codeLimits(look, (value) => fraction(scale, spanned, value, threshold));
  const largest = largestCode(plane.header);
  const table = Int16Array.from({ length: largest + 1 }, (_, code) =>
    code === 0 ? -1 : place((code - 1) / (largest - 1), low, high)
  );
  return (code) => table[code] ?? -1;
}

function packed(colour: readonly [number, number, number], by: number): number {
  const [red, green, blue] = colour.map((one) => Math.round(one * by)) as [number, number, number];
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
