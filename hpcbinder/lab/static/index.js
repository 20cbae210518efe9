// The plugins of this extension, each a module of its own.

import { session } from './session/plugin.js';

const ALL = [session];

/** What JupyterLab activates. A plugin that this JupyterLab cannot have costs only itself. */
export async function plugins(shared) {
  const made = await Promise.allSettled(ALL.map((make) => make(shared)));
  for (const one of made) {
    if (one.status === 'rejected') {
      console.warn('@hpcbinder/lab:', one.reason);
    }
  }
  return made.filter((one) => one.status === 'fulfilled').map((one) => one.value);
}
