// What the menu of a panel offers for what is shown in it.

import { Clipboard, Notification } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';

import type { Api, Arguments } from './api';
import { coloursOf, download, FORMATS, snippet } from './exports';
import { linkTo } from './links';
import type { Entry } from './menu';
import type { Place } from './source';
import type { Stage } from './stage';
import type { SlicerState } from './state';

export interface Means {
  readonly api: Api;
  readonly notebooks: INotebookTracker | null;
  /** Another panel beside this one. */
  beside(file: string, state: SlicerState): void;
  /** What is shown in all panels. */
  stages(): readonly Stage[];
}

export function actionsOf(stage: Stage, means: Means): Entry[] {
  const { state, asked } = stage;
  if (!state) {
    return [];
  }
  return [
    ...(asked ? exporting(asked, state, means) : []),
    { label: 'Copy a link to this view', act: () => copy(link(stage.file, state), 'The link') },
    { label: 'Open beside, linked', act: () => beside(stage, state, means) },
    ...(asked ? differences(stage, state, means) : []),
  ];
}

function exporting(asked: Arguments, state: SlicerState, { api, notebooks }: Means): Entry[] {
  const files = FORMATS.map(({ format, label }) => ({
    label: `Save as ${label}`,
    act: () => download(api, { ...asked, colours: coloursOf(state.picture ?? {}) }, format),
  }));
  const withCode = (use: (code: string) => void) => () => void told(snippet(api, asked).then(use));
  const code = [{ label: 'Copy Python that reads this', act: withCode((text) => copy(text, 'The code')) }];
  if (notebooks?.currentWidget) {
    const name = notebooks.currentWidget.title.label;
    const label = `Insert a cell that reads this into ${name}`;
    code.push({ label, act: withCode((text) => insert(notebooks, text)) });
  }
  return [...files, ...code];
}

function beside(stage: Stage, state: SlicerState, means: Means): void {
  const linked = { ...state, linked: true };
  void stage.show(linked);
  means.beside(stage.file, linked);
}

/** What is open elsewhere and has the same shape can be taken away. */
function differences(stage: Stage, state: SlicerState, means: Means): Entry[] {
  const name = ({ file, path }: Place) => `${file} ${path}`;
  const own = name({ file: stage.file, path: state.path });
  const others = new Map<string, Place>();
  for (const other of means.stages()) {
    const place = { file: other.file, path: other.state?.path ?? '/' };
    if (other.asked && String(other.shape) === String(stage.shape) && name(place) !== own) {
      others.set(name(place), place);
    }
  }
  return [...others].map(([label, against]) => ({
    label: `Show the difference to ${label}`,
    act: () => {
      // Zero in the middle.
      const picture = { ...state.picture, map: 'coolwarm', domain: 'slice' };
      void stage.show({ ...state, against, picture });
    },
  }));
}

function link(file: string, state: SlicerState): string {
  return linkTo(URLExt.join(PageConfig.getBaseUrl(), 'lab'), file, state);
}

function copy(text: string, what: string): void {
  Clipboard.copyToSystem(text);
  Notification.success(`${what} was copied.`, { autoClose: 2000 });
}

/** Below the notebook's current cell; it is not run. */
function insert(notebooks: INotebookTracker, code: string): void {
  const notebook = notebooks.currentWidget?.content;
  if (notebook) {
    NotebookActions.insertBelow(notebook);
    notebook.activeCell?.model.sharedModel.setSource(code);
    const name = notebooks.currentWidget?.title.label ?? 'the notebook';
    Notification.success(`A cell was inserted into ${name}.`, { autoClose: 2000 });
  }
}

async function told(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    Notification.error(error instanceof Error ? error.message : String(error));
  }
}
