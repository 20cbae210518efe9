// What opens by a double-click, without that anything of the file is fetched.

import {
  ABCWidgetFactory,
  DocumentModel,
  DocumentRegistry,
  DocumentWidget,
  TextModelFactory,
} from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';
import { LabIcon } from '@jupyterlab/ui-components';

import type { Around } from './panel';
import { SlicerPanel } from './panel';
import drawn from './icon';

export const FACTORY = 'HDF5 Slicer';
const MODEL = 'hpcbinder-slicer';
const TYPE = 'hpcbinder-hdf5';

export const slicerIcon = new LabIcon({ name: 'hpcbinder:slicer', svgstr: drawn });

export const FILE_TYPE: Partial<DocumentRegistry.IFileType> & { name: string } = {
  name: TYPE,
  displayName: 'HDF5 file',
  extensions: ['.h5', '.hdf5', '.he5', '.nc', '.nc4', '.nxs', '.mat'],
  mimeTypes: ['application/x-hdf5'],
  fileFormat: null,
  contentType: 'file',
  icon: slicerIcon,
};

/** Nothing of it is ever saved from here. */
class Unfetched extends DocumentModel {
  /**
   * JupyterLab makes a checkpoint of what it opens, which is a copy of the whole file, unless others
   * care for its being saved: whoever writes it does.
   */
  override get collaborative(): boolean {
    return true;
  }
}

/** A file that is never fetched as a whole. */
export class UnfetchedFactory extends TextModelFactory {
  override get name(): string {
    return MODEL;
  }

  override get contentType(): Contents.ContentType {
    return 'file';
  }

  override get fileFormat(): Contents.FileFormat {
    return null;
  }

  override createNew(
    options?: Parameters<TextModelFactory['createNew']>[0]
  ): DocumentRegistry.ICodeModel {
    return new Unfetched(options);
  }
}

export type SlicerDocument = DocumentWidget<SlicerPanel>;

export class SlicerFactory extends ABCWidgetFactory<SlicerDocument> {
  constructor(private readonly around: Around) {
    super({
      name: FACTORY,
      modelName: MODEL,
      fileTypes: [TYPE],
      defaultFor: [TYPE],
      readOnly: true,
    });
  }

  protected createNewWidget(context: DocumentRegistry.Context): SlicerDocument {
    const content = new SlicerPanel(context.path, this.around);
    const widget = new DocumentWidget({ content, context });
    widget.title.icon = slicerIcon;
    // The panel's own bar is beside its tree.
    widget.toolbar.hide();
    context.pathChanged.connect((_, path) => content.move(path));
    return widget;
  }
}
