// What hands do on a picture: drag, wheel, point, click, draw.

export interface Hands {
  pan(dx: number, dy: number): void;
  zoom(factor: number, x: number, y: number): void;
  /** Turns of the wheel that are not for zooming: whole steps, with their direction. */
  turn(steps: number): void;
  point(x: number, y: number): void;
  leave(): void;
  click(x: number, y: number): void;
  fit(): void;
  /** A line is drawn from one point to another; `done` with the last one. */
  draw(from: Spot, to: Spot, done: boolean): void;
}

export interface Spot {
  readonly x: number;
  readonly y: number;
}

export interface Manners {
  /** The wheel steps through slices, and zooms with Ctrl alone. */
  readonly wheelTurns: boolean;
  /** Dragging draws a line, as it does with Shift in any case. */
  readonly drawing: boolean;
}

/** A hand that moved less than this did not drag. */
const STILL = 4;
/** Wheels count in pixels, lines or pages. */
const UNITS = [1, 16, 400];
const PIXELS_PER_STEP = 60;

export function follow(element: HTMLElement, hands: Hands, manners: () => Manners): void {
  const pointers = new Map<number, Spot>();
  let start: (Spot & { drawing: boolean; moved: boolean }) | null = null;
  const spot = (event: MouseEvent): Spot => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) {
      return;
    }
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, spot(event));
    start = { ...spot(event), drawing: event.shiftKey || manners().drawing, moved: false };
  });

  element.addEventListener('pointermove', (event) => {
    const here = spot(event);
    const before = pointers.get(event.pointerId);
    if (before && pointers.size === 2) {
      pinch(pointers, event.pointerId, here, hands);
    } else if (before && start) {
      start.moved ||= Math.hypot(here.x - start.x, here.y - start.y) >= STILL;
      if (start.moved && start.drawing) {
        hands.draw(start, here, false);
      } else if (start.moved) {
        hands.pan(here.x - before.x, here.y - before.y);
      }
    }
    if (before) {
      pointers.set(event.pointerId, here);
    }
    hands.point(here.x, here.y);
  });

  const end = (event: PointerEvent) => {
    const held = pointers.delete(event.pointerId);
    if (held && start && pointers.size === 0) {
      const here = spot(event);
      if (start.moved && start.drawing) {
        hands.draw(start, here, true);
      } else if (!start.moved && event.type === 'pointerup') {
        hands.click(here.x, here.y);
      }
      start = null;
    }
  };
  element.addEventListener('pointerup', end);
  element.addEventListener('pointercancel', end);
  element.addEventListener('pointerleave', () => hands.leave());
  element.addEventListener('dblclick', () => hands.fit());
  wheel(element, hands, manners, spot);
}

function pinch(pointers: Map<number, Spot>, moving: number, here: Spot, hands: Hands): void {
  const still = [...pointers].find(([id]) => id !== moving)?.[1];
  const before = pointers.get(moving);
  if (still && before) {
    const was = Math.hypot(before.x - still.x, before.y - still.y);
    const is = Math.hypot(here.x - still.x, here.y - still.y);
    hands.zoom(is / Math.max(1, was), (here.x + still.x) / 2, (here.y + still.y) / 2);
  }
}

function wheel(element: HTMLElement, hands: Hands, manners: () => Manners, spot: (event: MouseEvent) => Spot): void {
  let pixels = 0;
  element.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      // With Shift, some browsers turn the wheel sideways.
      const turned = (event.deltaY || event.deltaX) * (UNITS[event.deltaMode] ?? 1);
      if (manners().wheelTurns && !event.ctrlKey && !event.metaKey) {
        pixels += turned;
        const steps = Math.trunc(pixels / PIXELS_PER_STEP);
        pixels -= steps * PIXELS_PER_STEP;
        if (steps) {
          hands.turn(steps * (event.shiftKey ? 10 : 1));
        }
        return;
      }
      const { x, y } = spot(event);
      // Fingers on a pad send many small turns that come with Ctrl.
      const speed = event.ctrlKey && Math.abs(turned) < 50 ? 0.01 : 0.002;
      hands.zoom(Math.exp(-turned * speed), x, y);
    },
    { passive: false }
  );
}
