// The views' modules in one script, each made when it is first asked for.
window.views = (() => {
  const made = {};
  const modules = {
    /* modules */
  };
  return function require(name) {
    const path = name.startsWith('./') ? name : './' + name;
    if (!made[path]) {
      made[path] = {};
      modules[path](made[path], require);
    }
    return made[path];
  };
})();
