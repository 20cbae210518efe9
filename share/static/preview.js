// The preview of what a launch opens, in a frame that may do nothing.

import { address, exists } from "./api.js";

const root = document.documentElement;

// Show the preview, if there is one, in the page's own theme.
export async function showPreview(section, path) {
  if (!(await exists(path))) return;
  let frame = section.querySelector("iframe");
  const load = () => {
    const made = frame.cloneNode();
    made.src = address(`${path}?theme=${root.dataset.bsTheme}`);
    // A frame that goes to another address would be a step of the browser's history.
    frame.replaceWith(made);
    frame = made;
  };
  load();
  section.hidden = false;
  new MutationObserver(load).observe(root, { attributeFilter: ["data-bs-theme"] });
}
