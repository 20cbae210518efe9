// The form for a token: it is sent once, and the page comes back without it.

import { send } from "./send.js";

const value = (name) => document.getElementById(`credential-${name}`).value;

document.getElementById("credential-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const user = value("user");
  const body = { token: value("token"), ...(user && { user_name: user }) };
  send(event.submitter, "PUT", `api/credentials/${encodeURIComponent(value("host"))}`, body);
});
