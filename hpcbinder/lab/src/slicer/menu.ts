// A menu below a button; JupyterLab's own, so that it lies above everything and takes keys.

import { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

import { make } from './view/dom';

export interface Entry {
  readonly label: string;
  readonly act: () => void;
}

export function menuButton(label: string, entries: () => readonly Entry[]): HTMLElement {
  const attributes = { type: 'button', class: 'hps-button', 'aria-haspopup': 'menu' };
  const button = make('button', attributes, `${label} ▾`);
  button.addEventListener('click', () => {
    const { left, bottom } = button.getBoundingClientRect();
    menuOf(entries()).open(left, bottom + 2);
  });
  return button;
}

function menuOf(entries: readonly Entry[]): Menu {
  const commands = new CommandRegistry();
  const menu = new Menu({ commands });
  entries.forEach(({ label, act }, i) => {
    const command = `hpcbinder-slicer:entry-${i}`;
    commands.addCommand(command, { label, execute: act });
    menu.addItem({ command });
  });
  // After its command: that is carried out when it closes.
  menu.aboutToClose.connect(() => window.setTimeout(() => menu.dispose()));
  return menu;
}
