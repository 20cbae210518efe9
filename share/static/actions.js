// Buttons that call the API: what one does is written on it.

import { send } from "./send.js";

for (const button of document.querySelectorAll("button[data-path]")) {
  const { method, path, ask } = button.dataset;
  button.addEventListener("click", () => {
    if (!ask || window.confirm(ask)) send(button, method, path);
  });
}
