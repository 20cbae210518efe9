// The launch page: sends the form, keeps the link to share up to date, stops servers.

import { address, call } from "./api.js";
import { choose } from "./existing.js";
import { forecast, keepShowingFree } from "./outlook.js";
import { adaptReach, forgetReach, home, showTrust } from "./reach.js";

const form = document.getElementById("launch-form");
const problem = document.getElementById("launch-error");
const share = document.getElementById("share");
const link = document.getElementById("share-link");

function fields() {
  const values = Object.fromEntries(new FormData(form));
  const number = (text) => (text ? Number(text) : undefined);
  return {
    ...(values.spec ? { spec: values.spec } : { repository: values.repository, ref: values.ref }),
    profile: values.profile,
    account: values.account || undefined,
    minutes: number(values.minutes),
    nodes: number(values.nodes),
    gpus: number(values.gpus) || undefined,
    open: values.open,
    start_when_ready: values.start_when_ready === "on",
    ...(home() && { reach: "home", consent: true }),
  };
}

function show(error) {
  problem.replaceChildren();
  for (const text of [error.message, error.advice, error.detail]) {
    if (text) problem.append(Object.assign(document.createElement("p"), { textContent: text, className: "mb-1" }));
  }
  problem.hidden = false;
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

// -- limits of the chosen profile -------------------------------------------------------------

function adapt() {
  const profile = form.querySelector("input[name=profile]:checked");
  if (!profile) return;
  form.minutes.placeholder = profile.dataset.minutes;
  form.minutes.max = profile.dataset.maxMinutes;
  document.getElementById("nodes-field").hidden = profile.dataset.maxNodes === "1" && !form.nodes.value;
  form.nodes.max = profile.dataset.maxNodes;
  document.getElementById("gpus-field").hidden = profile.dataset.maxGpus === "0";
  form.gpus.max = profile.dataset.maxGpus;
  adaptReach(profile.dataset);
}

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
  const wanted = new URLSearchParams({ profile: values.profile });
  if (values.minutes) wanted.set("time", values.minutes);
  if (values.nodes) wanted.set("nodes", values.nodes);
  if (values.gpus) wanted.set("gpus", values.gpus);
  const opened = values.open || file;
  // What begins with a slash is an address of the server, and no file.
  if (opened) wanted.set(opened.startsWith("/") ? "urlpath" : "labpath", opened);
  showLinks(`${location.origin}${address(`v2/${spec}`)}?${wanted}`, `${location.origin}${address("badge_logo.svg")}`);
}

form.repository?.addEventListener("input", forgetReach);

let timer;
form.addEventListener("input", () => {
  adapt();
  askWhen();
  clearTimeout(timer);
  timer = setTimeout(refreshLink, 250);
});

// -- when it would start ------------------------------------------------------------------------

function askWhen() {
  const { profile, account, minutes, nodes, gpus } = fields();
  const valid = [form.minutes, form.nodes, form.gpus].every((field) => field.validity.valid);
  forecast(profile && valid ? { profile, account, minutes, nodes, gpus } : null);
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

adapt();
refreshLink();
// Who may not launch is told so, and Slurm is not asked for her.
if (form.querySelector("[data-when-ready]")) {
  askWhen();
  keepShowingFree();
}
form.querySelector("[data-when-ready]")?.removeAttribute("disabled");
