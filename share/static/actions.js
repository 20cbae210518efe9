// Buttons that call the API: what one does is written on it. Those that end something ask first.

import { ask } from "./dialog.js";
import { send } from "./send.js";

const dialog = document.getElementById("confirmation");

async function confirmed({ firstChild, dataset }) {
  document.getElementById("confirmation-text").textContent = dataset.ask;
  document.getElementById("confirmation-yes").textContent = firstChild.textContent;
  return (await ask(dialog)) === "yes";
}

// Some buttons come later than the page.
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-path]");
  if (!button || (button.dataset.ask && !(await confirmed(button)))) return;
  const { method, path, body, then } = button.dataset;
  send(button, method, path, body && JSON.parse(body), then);
});
