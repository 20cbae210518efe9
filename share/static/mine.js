// The page "Yours": its workspaces come when the cluster has been asked about them, which may take a while.

import { fragment } from "./api.js";
import { complain } from "./send.js";

const place = document.getElementById("workspaces");

try {
  place.innerHTML = await fragment("mine/workspaces");
} catch (error) {
  place.textContent = "Your workspaces cannot be shown.";
  complain(error);
}
place.removeAttribute("aria-busy");
