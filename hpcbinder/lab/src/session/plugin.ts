// Time left in the status bar, warnings before the end, saving, and what nobody uses.

import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { Widget } from '@lumino/widgets';

import { serverOf } from './server';
import { Teller } from './teller';
import { Watch } from './watch';
import { duration, urgency } from './words';

const ID = '@hpcbinder/lab:session';
const SAVE_ALL = 'docmanager:save-all';

export const session: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Shows the time left of a server on a compute node, and saves before its end.',
  autoStart: true,
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, statusBar: IStatusBar | null) => {
    const item = new Widget();
    item.addClass('hpcbinder-time-left');
    item.hide();
    statusBar?.registerStatusItem(ID, { item, align: 'right', rank: 900 });
    const watch = new Watch({
      server: serverOf(),
      teller: new Teller(),
      show: (left) => show(item, left),
      saveAll: () => app.commands.execute(SAVE_ALL),
      open: (page) => window.open(page, '_blank', 'noopener'),
    });
    void app.restored.then(() => watch.start());
  },
};

function show(item: Widget, left: number | null): void {
  item.setHidden(left === null);
  if (left !== null) {
    item.node.textContent = `${duration(left)} left`;
    item.node.dataset.urgency = urgency(left);
    item.node.title = 'Until Slurm ends this server’s job. Your workspace stays.';
  }
}
