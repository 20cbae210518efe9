// The form for a token: it is sent once, and the page comes back without it.

import { send } from "./send.js";

const form = document.getElementById("credential-form");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { host, user_name, token } = Object.fromEntries(new FormData(form));
  send(form.querySelector("button"), "PUT", `api/credentials/${encodeURIComponent(host)}`, { token, ...(user_name && { user_name }) });
});
