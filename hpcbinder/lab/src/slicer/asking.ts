// Asks for the path of a file that the file browser does not show.

import { Dialog, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

import type { Root } from './answers';
import type { Api } from './api';
import { make } from './view/dom';

/** Null if nothing was said. */
export async function askForPath(api: Api): Promise<string | null> {
  const { button, value } = await showDialog({
    title: 'Open HDF5 File',
    body: new PathForm(await api.roots()),
    focusNodeSelector: 'input',
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: 'Open' })],
  });
  return (button.accept && value?.trim()) || null;
}

class PathForm extends Widget implements Dialog.IBodyWidget<string> {
  private readonly input = make('input', { type: 'text', spellcheck: 'false', 'aria-label': 'Path' });

  constructor(roots: readonly Root[]) {
    super();
    this.addClass('hps-path-form');
    const folders = roots.map(({ name, path }) => this.folder(name, `${path.replace(/\/+$/, '')}/`));
    this.node.append(
      make('label', {}, 'Path of the file', this.input),
      make('p', {}, 'It has to lie in one of these folders, or below:'),
      make('ul', {}, ...folders)
    );
  }

  getValue(): string {
    return this.input.value;
  }

  private folder(name: string, path: string): HTMLElement {
    const button = make('button', { type: 'button', title: 'A file in this folder' }, path);
    button.addEventListener('click', () => {
      this.input.value = path;
      this.input.focus();
    });
    return make('li', {}, button, ` (${name})`);
  }
}
