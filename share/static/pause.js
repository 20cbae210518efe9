// The form that pauses builds.

import { send } from "./send.js";

const form = document.getElementById("pause");

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  send(form.querySelector("button"), "POST", "api/queue/pause", { why: form.querySelector("input").value });
});
