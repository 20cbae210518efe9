// WebGL2 where a browser has it, a 2-D canvas where not.

import { Canvas2dPainter } from './canvas2d';
import { GlPainter } from './gl';
import type { Painter } from './painter';

// Browsers take contexts away from the oldest views when there are more than about sixteen.
const MOST_CONTEXTS = 12;
let contexts = 0;

export function makePainter(kind?: Painter['kind']): Painter {
  if (kind !== 'canvas2d' && contexts < MOST_CONTEXTS) {
    const painter = GlPainter.on(document.createElement('canvas'), () => contexts--);
    if (painter) {
      contexts++;
      return painter;
    }
  }
  return new Canvas2dPainter(document.createElement('canvas'));
}
