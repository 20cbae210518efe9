// Sends one request of a page's to the API. The page comes back with what became of it, or goes on to what was made,
// or says what is wrong.

import { address, call } from "./api.js";

const problem = document.getElementById("action-error");

export function complain(error) {
  const texts = [error.message, error.advice, error.detail].filter(Boolean);
  problem.replaceChildren(...texts.map((text) => Object.assign(document.createElement("p"), { textContent: text, className: "mb-1" })));
  problem.hidden = false;
  problem.scrollIntoView({ block: "center" });
}

export async function send(button, method, path, body, then) {
  problem.hidden = true;
  button.disabled = true;
  try {
    const made = await call(method, path, body);
    if (then) location.assign(address(then + made.id));
    else location.reload();
  } catch (error) {
    complain(error);
    button.disabled = false;
  }
}
