// What is drawn over a picture: cross-hairs and a line, each readable on every colour.

import type { Frame } from './axes';
import type { Point } from './source';
import type { Theme } from './theme';
import type { Viewport } from './viewport';

export function drawCross(context: CanvasRenderingContext2D, frame: Frame, viewport: Viewport, [row, column]: Point): void {
  const { x, y } = viewport.toScreen(row, column);
  inside(context, frame, () => {
    const path = new Path2D();
    path.moveTo(x, 0);
    path.lineTo(x, frame.height);
    path.moveTo(0, y);
    path.lineTo(frame.width, y);
    outlined(context, path, '#fff', 1);
  });
}

export function drawLine(
  context: CanvasRenderingContext2D,
  frame: Frame,
  viewport: Viewport,
  [from, to]: readonly [Point, Point],
  theme: Theme
): void {
  const a = viewport.toScreen(...from);
  const b = viewport.toScreen(...to);
  inside(context, frame, () => {
    const path = new Path2D();
    path.moveTo(a.x, a.y);
    path.lineTo(b.x, b.y);
    for (const { x, y } of [a, b]) {
      path.moveTo(x + 4, y);
      path.arc(x, y, 4, 0, 2 * Math.PI);
    }
    outlined(context, path, theme.accent, 2);
  });
}

function inside(context: CanvasRenderingContext2D, frame: Frame, draw: () => void): void {
  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top, frame.width, frame.height);
  context.clip();
  context.translate(frame.left, frame.top);
  draw();
  context.restore();
}

function outlined(context: CanvasRenderingContext2D, path: Path2D, colour: string, width: number): void {
  context.strokeStyle = 'rgb(0 0 0 / 60%)';
  context.lineWidth = width + 2;
  context.stroke(path);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke(path);
}
