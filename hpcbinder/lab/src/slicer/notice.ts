// What could not be done, in the server's words, with what can be done about it.

import { Refused } from './api';
import { make } from './view/dom';

export interface Way {
  readonly label: string;
  readonly act: () => void;
}

export function noticeOf(error: unknown, ways: readonly Way[]): HTMLElement {
  const said = error instanceof Error ? error.message : String(error);
  const element = make('div', { class: 'hps-notice', role: 'alert' }, make('p', {}, said));
  if (error instanceof Refused && error.advice) {
    element.append(make('p', { class: 'hps-faint' }, error.advice));
  }
  const buttons = ways.map(({ label, act }) => {
    const button = make('button', { type: 'button', class: 'hps-button' }, label);
    button.addEventListener('click', act);
    return button;
  });
  if (buttons.length > 0) {
    element.append(make('div', { class: 'hps-bar-row' }, ...buttons));
  }
  return element;
}
