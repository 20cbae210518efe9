// Time left in the status bar, warnings before the end, saving, and what nobody uses.

import { take } from '../shared.js';
import { Teller } from './teller.js';
import { Watch } from './watch.js';
import { duration, urgency } from './words.js';

const ID = '@hpcbinder/lab:session';
const SAVE_ALL = 'docmanager:save-all';

export async function session(shared) {
  const needed = ['apputils', 'coreutils', 'services', 'statusbar'];
  const modules = needed.map((name) => take(shared, `@jupyterlab/${name}`));
  const [apputils, coreutils, services, statusbar] = await Promise.all(modules);
  const { Widget } = await take(shared, '@lumino/widgets');

  return {
    id: ID,
    autoStart: true,
    optional: [statusbar.IStatusBar],
    activate: (app, statusBar) => {
      addStyle();
      const item = new Widget();
      item.addClass('hpcbinder-time-left');
      item.hide();
      statusBar?.registerStatusItem(ID, { item, align: 'right', rank: 900 });
      const watch = new Watch({
        server: serverOf(coreutils.URLExt, services.ServerConnection),
        teller: new Teller(apputils),
        show: (left) => show(item, left),
        saveAll: () => app.commands.execute(SAVE_ALL),
        open: (page) => window.open(page, '_blank', 'noopener'),
      });
      app.restored.then(() => watch.start());
    },
  };
}

function show(item, left) {
  item.setHidden(left === null);
  if (left !== null) {
    item.node.textContent = `${duration(left)} left`;
    item.node.dataset.urgency = urgency(left);
    item.node.title = 'Until Slurm ends this server’s job. Your workspace stays.';
  }
}

function addStyle() {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = new URL('style.css', import.meta.url).href;
  document.head.append(link);
}

/** The part of the Jupyter server that knows the session. */
function serverOf(URLExt, ServerConnection) {
  const settings = ServerConnection.makeSettings();

  async function ask(method, ...path) {
    const url = URLExt.join(settings.baseUrl, 'hpcbinder/api/session', ...path);
    const answer = await ServerConnection.makeRequest(url, { method }, settings);
    if (answer.status === 404) {
      return null;
    }
    const found = await answer.json();
    if (!answer.ok) {
      throw new Error(found.message);
    }
    return found;
  }

  return {
    state: () => ask('GET'),
    use: () => ask('POST', 'use'),
    extend: () => ask('POST', 'extension'),
  };
}
