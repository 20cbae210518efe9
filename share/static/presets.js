// Choices that are kept under names: taken, kept, renamed and deleted without loading the page anew.

import { call } from "./api.js";
import { areValid, choices, fill, presets } from "./choices.js";
import { ask } from "./dialog.js";

const list = document.getElementById("preset");
const said = document.getElementById("preset-said");
const dialog = document.getElementById("preset-dialog");
const field = document.getElementById("preset-name");
const kept = new Map(presets.map(({ name, selection }) => [name, selection]));

function show(name = "") {
  const names = [...kept.keys()].sort((a, b) => a.localeCompare(b));
  list.replaceChildren(new Option("Choose one…", ""), ...names.map((one) => new Option(one, one, false, one === name)));
  list.value = name;
  document.getElementById("preset-list").hidden = !names.length;
  for (const button of document.querySelectorAll("[data-preset=rename], [data-preset=delete]")) button.hidden = !list.value;
}

async function asked(title, value) {
  document.getElementById("preset-title").textContent = title;
  field.value = value;
  return (await ask(dialog)) === "yes" ? field.value.trim() : "";
}

const path = (name) => `api/presets/${encodeURIComponent(name)}`;

const DO = {
  async keep() {
    if (!areValid()) return "These choices cannot be kept: see the fields below.";
    const name = await asked("Keep these choices as", list.value);
    if (!name) return "";
    const chosen = choices();
    await call("PUT", path(name), chosen);
    kept.set(name, chosen);
    show(name);
    return `Kept as “${name}”.`;
  },
  async rename() {
    const old = list.value;
    const name = await asked(`Rename “${old}” to`, old);
    if (!name || name === old) return "";
    await call("PATCH", path(old), { name });
    kept.set(name, kept.get(old));
    kept.delete(old);
    show(name);
    return `Renamed to “${name}”.`;
  },
  async delete() {
    const name = list.value;
    await call("DELETE", path(name));
    kept.delete(name);
    show();
    return `“${name}” is deleted.`;
  },
};

for (const button of document.querySelectorAll("[data-preset]")) {
  button.addEventListener("click", async () => {
    try {
      said.textContent = await DO[button.dataset.preset]();
    } catch (error) {
      said.textContent = [error.message, error.advice].filter(Boolean).join(" ");
    }
  });
}

// `changed` is called when a preset has filled in the form.
export function offerPresets(changed) {
  list.addEventListener("change", () => {
    const preset = kept.get(list.value);
    const complete = !preset || fill(preset);
    said.textContent = complete ? "" : `You are not offered its profile, “${preset.profile}”, any more.`;
    show(list.value);
    changed();
  });
  show();
}
