// The same in a notebook's output: where Python says that the data lies, it is shown.

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { ReadonlyJSONValue } from '@lumino/coreutils';
import { PanelLayout, Widget } from '@lumino/widgets';

import type { Around } from './panel';
import { SlicerPanel } from './panel';
import { isObject, stateOf } from './state';

export const MIME = 'application/vnd.hpcbinder.slicer+json';

export function outputFactory(around: Around): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME],
    createRenderer: () => new SlicerOutput(around),
  };
}

class SlicerOutput extends Widget implements IRenderMime.IRenderer {
  constructor(private readonly around: Around) {
    super();
    this.layout = new PanelLayout();
    this.addClass('hps-output');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const said = model.data[MIME] as ReadonlyJSONValue | undefined;
    const state = stateOf(said);
    const layout = this.layout as PanelLayout;
    layout.widgets.forEach((widget) => widget.dispose());
    if (isObject(said) && typeof said.file === 'string' && state) {
      const panel = new SlicerPanel(said.file, this.around);
      // The tree is one click away.
      panel.showTree(state.path === '/');
      panel.prepare(state, null);
      layout.addWidget(panel);
    } else {
      this.node.textContent = 'This output does not say which file it shows.';
    }
    return Promise.resolve();
  }
}
