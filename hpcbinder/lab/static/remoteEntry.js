// The entry of this extension, as JupyterLab expects one: a script that leaves a container in
// `_JUPYTERLAB`. It is written by hand and not made by a bundler, so that an image is built without
// npm; everything else is modules beside it, and JupyterLab's own parts come from what it shares.
(() => {
  const here = document.currentScript.src;
  let shared;

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['@hpcbinder/lab'] = {
    init(scope) {
      shared = scope;
    },

    async get() {
      const { plugins } = await import(new URL('index.js', here).href);
      const found = await plugins(shared);
      return () => ({ __esModule: true, default: found });
    },
  };
})();
