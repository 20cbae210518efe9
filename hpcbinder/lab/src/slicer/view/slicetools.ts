// The row of buttons above a view of slices: across which axis it is cut, and how it is shown.

import { button, make } from './dom';
import type { SliceState } from './slicestate';
import { axisName, type PlaneSource } from './source';

export interface SliceTools {
  cut(axis: number): void;
  three(): void;
  /** Whether a line is to be drawn now. */
  draw(): boolean;
  turn(): void;
  flip(): void;
  stretch(): void;
}

/** `normal` is the axis that it is cut across. */
export function toolRow(
  source: PlaneSource,
  state: SliceState,
  drawing: boolean,
  normal: number | undefined,
  tools: SliceTools
): HTMLElement {
  const { shape } = source;
  const shown = pictureTools(state, drawing, tools);
  if (shape.length < 3) {
    return make('div', { class: 'hps-row', role: 'group', 'aria-label': 'Picture' }, ...shown);
  }
  const buttons = shape.map((_, axis) => {
    const name = axisName(source, axis);
    return pressed(button(`Slices across ${name}`, name, () => tools.cut(axis)), normal === axis);
  });
  const three = button('Three planes through one point', '⊞ Three planes', () => tools.three());
  return make(
    'div',
    { class: 'hps-row', role: 'group', 'aria-label': 'Cut across' },
    ...['Cut across', ...buttons, pressed(three, state.three), ...shown]
  );
}

function pictureTools({ fill, flipped }: SliceState, drawing: boolean, tools: SliceTools): HTMLElement[] {
  const draw = button('Draw a line and see the values along it (or drag with Shift)', 'Profile', () => {
    pressed(draw, tools.draw());
  });
  return [
    pressed(draw, drawing),
    button('Swap rows and columns', '⤮', () => tools.turn()),
    pressed(button('First row at the bottom', '⇅', () => tools.flip()), flipped),
    pressed(button('Fill the room, whatever the spacing', '↔', () => tools.stretch()), fill),
  ];
}

function pressed(one: HTMLButtonElement, is: boolean): HTMLButtonElement {
  one.setAttribute('aria-pressed', String(is));
  return one;
}
