// The launch page: sends the form, keeps the link to share up to date, stops servers.

import { address, call } from "./api.js";
import { adapt, areValid, begin, changeProfile, choices } from "./choices.js";
import { choose } from "./existing.js";
import { forecast, keepShowingFree } from "./outlook.js";
import { offerPresets } from "./presets.js";
import { adaptReach, forgetReach, home, showTrust } from "./reach.js";

const form = document.getElementById("launch-form");
const problem = document.getElementById("launch-error");
const share = document.getElementById("share");
const link = document.getElementById("share-link");

function fields() {
  const values = Object.fromEntries(new FormData(form));
  return {
    ...(values.spec ? { spec: values.spec } : { repository: values.repository, ref: values.ref }),
    ...choices(),
    open: values.open,
    start_when_ready: values.start_when_ready === "on",
    ...(home() && { reach: "home", consent: true }),
  };
}

function show(error) {
  problem.replaceChildren();
  for (const text of [error.message, error.advice, error.detail]) {
    if (text) problem.append(paragraph(text));
  }
  problem.hidden = false;
}

// The one address that an error tells is that of a server which runs already.
function paragraph(text) {
  const made = Object.assign(document.createElement("p"), { className: "mb-1" });
  const isAddress = /^\/(\S*\/)?user\/\S+$/.test(text);
  made.append(isAddress ? Object.assign(document.createElement("a"), { href: text, textContent: "Open it" }) : text);
  return made;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  try {
    const existing = await choose(fields());
    if (existing) {
      const launch = await call("POST", "api/launches", { ...fields(), existing });
      location.assign(address(`launches/${launch.id}`));
      return;
    }
  } catch (error) {
    show(error);
  }
  button.disabled = false;
});

// -- the link to share --------------------------------------------------------------------------

let asked = 0;

async function refreshLink() {
  const values = fields();
  const number = ++asked;
  let { spec } = values;
  let file = "";
  let trusted = null;
  try {
    if (!spec && values.repository) {
      const query = new URLSearchParams({ repository: values.repository, ref: values.ref });
      ({ spec, file, trusted } = await call("GET", `api/parse?${query}`));
    }
  } catch {
    spec = undefined; // Half an address is no mistake yet.
  }
  if (number !== asked) return;
  if (!values.spec) showTrust(trusted);
  share.hidden = !spec;
  if (!spec) return;
  const { minutes, ...others } = choices();
  const wanted = new URLSearchParams(others);
  if (minutes) wanted.set("time", minutes);
  const opened = values.open || file;
  // What begins with a slash is an address of the server, and no file.
  if (opened) wanted.set(opened.startsWith("/") ? "urlpath" : "labpath", opened);
  showLinks(`${location.origin}${address(`v2/${spec}`)}?${wanted}`, `${location.origin}${address("badge_logo.svg")}`);
}

form.repository?.addEventListener("input", forgetReach);

let timer;

function changed() {
  const profile = form.querySelector("input[name=profile]:checked");
  if (profile) adaptReach(profile.dataset);
  askWhen();
  clearTimeout(timer);
  timer = setTimeout(refreshLink, 250);
}

form.addEventListener("input", ({ target }) => {
  if (target.name === "profile") changeProfile();
  else adapt();
  changed();
});

// -- when it would start ------------------------------------------------------------------------

// Who may not launch is told so, and Slurm is not asked for her.
const mayLaunch = Boolean(form.querySelector("[data-when-ready]"));

function askWhen() {
  if (mayLaunch) forecast(choices().profile && areValid() ? choices() : null);
}

function showLinks(url, badge) {
  const quoted = url.replaceAll("&", "&amp;");
  link.value = url;
  document.getElementById("share-markdown").value = `[![Launch on HPC](${badge})](${url})`;
  document.getElementById("share-rst").value = `.. image:: ${badge}\n   :target: ${url}\n   :alt: Launch on HPC`;
  document.getElementById("share-html").value = `<a href="${quoted}"><img src="${badge}" alt="Launch on HPC"></a>`;
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// -- running servers ----------------------------------------------------------------------------

for (const button of document.querySelectorAll("[data-stop]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = "Stopping…";
    try {
      await call("DELETE", `api/servers/${encodeURIComponent(button.dataset.stop)}`);
      button.closest("li").remove();
    } catch (error) {
      show(error);
      button.disabled = false;
      button.textContent = "Stop";
    }
  });
}

begin();
offerPresets(changed);
changed();
refreshLink();
if (mayLaunch) keepShowingFree();
form.querySelector("[data-when-ready]")?.removeAttribute("disabled");
