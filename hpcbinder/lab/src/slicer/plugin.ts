// The slicer in JupyterLab: its file types, commands, links and restored panels.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer, IRouter } from '@jupyterlab/application';
import type { MainAreaWidget } from '@jupyterlab/apputils';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import { actionsOf } from './actions';
import { Api } from './api';
import { askForPath } from './asking';
import { LinkedGroup } from './linked';
import { linkedBy, PATTERN, without } from './links';
import { Live } from './live';
import { outputFactory } from './output';
import type { Around, SlicerPanel } from './panel';
import { Panels } from './panels';
import type { SlicerState } from './state';
import { asJSON } from './state';

const ID = '@hpcbinder/lab:slicer';
const OPEN = 'hpcbinder-slicer:open';
const OPEN_PATH = 'hpcbinder-slicer:open-path';
const ROUTE = 'hpcbinder-slicer:route';

export const slicer: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Opens HDF5 files of any size, and shows slices of what is in them.',
  autoStart: true,
  requires: [IDocumentManager],
  optional: [ILayoutRestorer, IRouter, INotebookTracker, IRenderMimeRegistry, ICommandPalette, IMainMenu],
  activate: async (
    app: JupyterFrontEnd,
    documents: IDocumentManager,
    restorer: ILayoutRestorer | null,
    router: IRouter | null,
    notebooks: INotebookTracker | null,
    rendering: IRenderMimeRegistry | null,
    palette: ICommandPalette | null,
    menu: IMainMenu | null
  ) => {
    const api = new Api();
    // Without its part in the server, double-clicks are better left to others.
    if (!(await api.isThere())) {
      return;
    }
    void api.warmUp().catch(() => undefined);
    const tracker = new WidgetTracker<MainAreaWidget<SlicerPanel>>({ namespace: 'hpcbinder-slicer' });
    const panels = new Panels(app, documents, tracker);
    const means = {
      api,
      notebooks,
      beside: (file: string, state: SlicerState) => panels.open(file, state, 'split-right'),
      stages: () => panels.stages(),
    };
    const around: Around = {
      api,
      live: new Live(),
      group: new LinkedGroup(),
      openers: (file) => panels.openers(file),
      actions: (stage) => actionsOf(stage, means),
    };
    panels.offer(around);
    rendering?.addFactory(outputFactory(around), 0);
    app.commands.addCommand(OPEN, {
      label: 'Open in the HDF5 Slicer',
      execute: (args) => panels.restore(args),
    });
    void restorer?.restore(tracker, {
      command: OPEN,
      args: (widget) => saved(widget),
      name: (widget) => widget.content.key,
    });
    addOpening(app, api, panels);
    palette?.addItem({ command: OPEN_PATH, category: 'File Operations' });
    menu?.fileMenu.addGroup([{ command: OPEN_PATH }], 1);
    if (router) {
      addRoute(app, router, panels);
    }
  },
};

function saved({ content }: MainAreaWidget<SlicerPanel>): ReadonlyJSONObject {
  return { file: content.file, key: content.key, ...asJSON(content.state) };
}

/** For what the file browser does not show, such as scratch. */
function addOpening(app: JupyterFrontEnd, api: Api, panels: Panels): void {
  app.commands.addCommand(OPEN_PATH, {
    label: 'Open HDF5 File from Path…',
    caption: 'Of any folder that may be read, such as scratch',
    execute: async () => {
      const path = await askForPath(api);
      if (path) {
        panels.open(path, null);
      }
    },
  });
}

function addRoute(app: JupyterFrontEnd, router: IRouter, panels: Panels): void {
  app.commands.addCommand(ROUTE, {
    execute: (args) => {
      const { search, request } = args as unknown as IRouter.ILocation;
      const linked = linkedBy(search ?? '');
      router.navigate(without(request), { skipRouting: true });
      if (linked) {
        // Not waited for: what is restored waits for all routes.
        void app.restored.then(() => panels.open(linked.file, linked.state));
      }
    },
  });
  router.register({ command: ROUTE, pattern: PATTERN, rank: 15 });
}
