// Asks, before a launch, what becomes of a workspace that is there already at another commit.

import { call } from "./api.js";
import { ask } from "./dialog.js";

const dialog = document.getElementById("existing");

// A launch's `existing`; nothing if the launch is called off.
export async function choose({ spec, repository, ref }) {
  const query = new URLSearchParams(spec ? { spec } : { repository, ref });
  // What is wrong with the repository or the cluster, the launch says better.
  const opening = await call("GET", `api/opening?${query}`).catch(() => ({ choices: [] }));
  return opening.choices.length ? answer(opening) : "keep";
}

function answer(opening) {
  document.getElementById("existing-words").textContent = words(opening);
  const buttons = [...dialog.querySelectorAll("button")];
  for (const button of buttons) button.hidden = Boolean(button.value) && !opening.choices.includes(button.value);
  return ask(dialog);
}

function words({ name, branch, commit, changes, wanted }) {
  const at = [commit ? `at commit ${commit.slice(0, 10)}` : "at a commit that Git cannot tell", branch && `on ${branch}`];
  const unsaved = changes === null ? ", and Git cannot tell what is unsaved" : changes ? `, with ${changes} unsaved file${changes > 1 ? "s" : ""}` : "";
  return `${name} is ${at.filter(Boolean).join(" ")}${unsaved}. You are launching commit ${wanted.slice(0, 10)}.`;
}
