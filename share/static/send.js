// Sends one request of a page's to the API; the page comes back with what became of it, or says what is wrong.

import { call } from "./api.js";

const problem = document.getElementById("action-error");

export async function send(button, method, path, body) {
  problem.hidden = true;
  button.disabled = true;
  try {
    await call(method, path, body);
    location.reload();
  } catch (error) {
    const texts = [error.message, error.advice, error.detail].filter(Boolean);
    problem.replaceChildren(...texts.map((text) => Object.assign(document.createElement("p"), { textContent: text, className: "mb-1" })));
    problem.hidden = false;
    button.disabled = false;
    problem.scrollIntoView({ block: "center" });
  }
}
