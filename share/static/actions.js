// Buttons that call the API: what one does is written on it, and the page shows what came of it.

import { call } from "./api.js";

const problem = document.getElementById("action-error");

async function act(button) {
  const { method, path, ask } = button.dataset;
  if (ask && !window.confirm(ask)) return;
  problem.hidden = true;
  button.disabled = true;
  try {
    await call(method, path);
    location.reload();
  } catch (error) {
    const texts = [error.message, error.advice, error.detail].filter(Boolean);
    problem.replaceChildren(...texts.map((text) => Object.assign(document.createElement("p"), { textContent: text, className: "mb-1" })));
    problem.hidden = false;
    button.disabled = false;
    problem.scrollIntoView({ block: "center" });
  }
}

for (const button of document.querySelectorAll("button[data-path]")) {
  button.addEventListener("click", () => act(button));
}
