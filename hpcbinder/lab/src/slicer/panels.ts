// All panels of the page: opening, restoring, and who knows of them.

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { WidgetTracker } from '@jupyterlab/apputils';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { ReadonlyJSONObject, ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { FACTORY, FILE_TYPE, SlicerFactory, slicerIcon, UnfetchedFactory } from './factory';
import type { Around, Opener } from './panel';
import { SlicerPanel } from './panel';
import type { Stage } from './stage';
import type { SlicerState } from './state';
import { stateOf } from './state';

const SAVE_MILLISECONDS = 500;

type Shown = MainAreaWidget<SlicerPanel>;
type Options = DocumentRegistry.IOpenOptions;

export class Panels {
  private around: Around | null = null;

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly documents: IDocumentManager,
    private readonly tracker: WidgetTracker<Shown>
  ) {}

  /** From now on double-clicks lead here. */
  offer(around: Around): void {
    const { docRegistry } = this.app;
    this.around = around;
    docRegistry.addFileType(FILE_TYPE);
    docRegistry.addModelFactory(new UnfetchedFactory());
    const factory = new SlicerFactory(around);
    factory.widgetCreated.connect((_, widget) => this.keep(widget));
    docRegistry.addWidgetFactory(factory);
  }

  /** A panel of its own, even where the file is open already. */
  open(file: string, state: SlicerState | null, mode?: Options['mode']): void {
    const widget = this.opened(file, mode ? { mode } : {});
    if (state) {
      void widget?.content.begin(state);
    }
  }

  /** What a workspace has kept of a panel; it is read when it is first looked at. */
  restore(args: ReadonlyPartialJSONObject): void {
    const { file, key } = args;
    if (typeof file !== 'string') {
      return;
    }
    const widget = this.opened(file, { activate: false });
    widget?.content.prepare(stateOf(args as ReadonlyJSONObject), typeof key === 'string' ? key : null);
  }

  stages(): readonly Stage[] {
    const found: Stage[] = [];
    this.tracker.forEach((widget) => found.push(widget.content.stage));
    return found;
  }

  openers(file: string): readonly Opener[] {
    if (isElsewhere(file)) {
      return [];
    }
    return this.app.docRegistry
      .preferredWidgetFactories(file)
      .filter(({ name }) => name !== FACTORY)
      .map(({ name, label }) => ({
        name: label ?? name,
        open: () => void this.documents.open(file, name),
      }));
  }

  private opened(file: string, options: Options): Shown | undefined {
    if (isElsewhere(file)) {
      return this.elsewhere(file, options);
    }
    return this.documents.open(file, FACTORY, undefined, options) as Shown | undefined;
  }

  private elsewhere(file: string, { mode, activate }: Options): Shown | undefined {
    if (!this.around) {
      return undefined;
    }
    const content = new SlicerPanel(file, this.around);
    const widget = new MainAreaWidget({ content });
    widget.id = `hpcbinder-slicer-${content.key}`;
    widget.toolbar.hide();
    const { title } = widget;
    Object.assign(title, { label: content.name, caption: file, icon: slicerIcon, closable: true });
    this.keep(widget);
    this.app.shell.add(widget, 'main', { ...(mode ? { mode } : {}), activate: activate ?? true });
    return widget;
  }

  private keep(widget: Shown): void {
    let timer = 0;
    widget.content.changed.connect(() => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => void this.tracker.save(widget), SAVE_MILLISECONDS);
    });
    widget.disposed.connect(() => window.clearTimeout(timer));
    // Its key may be given to it by who opens it.
    queueMicrotask(() => void this.tracker.add(widget));
  }
}

/** JupyterLab's documents lie below the server's own folder, and their paths begin there. */
function isElsewhere(file: string): boolean {
  return file.startsWith('/');
}
