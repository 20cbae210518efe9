// The loading page: shows a launch's phases and its build's log as they come, and the way on.

import { ApiError, call, follow } from "./api.js";

const page = document.getElementById("loading");
const launch = page.dataset.launch;
const steps = [...page.querySelectorAll(".binder-phases li")];
const order = steps.map((step) => step.dataset.phase);
const now = document.getElementById("now");
const log = document.getElementById("log");
const element = (id) => document.getElementById(id);

// Where a phase of a launch or a build is shown.
const places = { waiting: "building", pushing: "converting", built: "converting", parked: "launching" };

const begun = new Map();
let current = -1;

function enter(phase, at) {
  const index = order.indexOf(places[phase] || phase);
  if (index <= current) return;
  for (let passed = Math.max(current, 0); passed < index; passed++) finish(passed, at);
  current = index;
  begun.set(index, at);
  steps[index].classList.add("now");
}

function finish(index, at) {
  const step = steps[index];
  step.classList.remove("now");
  step.classList.add("done");
  if (begun.has(index)) step.querySelector(".binder-time").textContent = seconds(at - begun.get(index));
  else step.classList.add("skipped");
}

function seconds(duration) {
  const whole = Math.max(0, duration);
  return whole < 60 ? `${whole.toFixed(1)} s` : `${Math.floor(whole / 60)} min ${Math.round(whole % 60)} s`;
}

const clock = setInterval(() => {
  if (current < 0) return;
  steps[current].querySelector(".binder-time").textContent = seconds(Date.now() / 1000 - begun.get(current));
}, 500);

function onLaunch(event) {
  enter(event.phase === "built" ? "converting" : event.phase, event.at);
  now.textContent = event.message;
  if (event.notice) {
    element("notices").hidden = false;
    element("notices").append(Object.assign(document.createElement("p"), { textContent: event.message }));
  }
  if (event.commit) element("commit").innerHTML = ` at <code>${event.commit.slice(0, 10)}</code>`;
  if (event.build) followBuild(event.build);
  element("go-on").hidden = event.phase !== "parked";
  if (event.phase === "ready") return ready(event);
  if (event.phase === "failed") return failed(event);
  return false;
}

function ready(event) {
  finish(order.length - 1, event.at);
  clearInterval(clock);
  element("cancel").hidden = true;
  element("open").href = event.url;
  element("open").hidden = false;
  location.assign(event.url);
  return true;
}

function failed(event) {
  clearInterval(clock);
  if (current >= 0) steps[current].classList.replace("now", "failed");
  now.textContent = "";
  element("failure-message").textContent = event.message;
  element("failure-advice").textContent = event.advice || "";
  element("failure-detail").textContent = event.detail || "";
  element("failure-detail").hidden = !event.detail;
  element("failure").hidden = false;
  element("cancel").hidden = true;
  element("again").hidden = false;
  return true;
}

function followBuild(build) {
  follow(`api/builds/${build}/events`, (event) => {
    enter(event.phase === "failed" ? order[current] : event.phase, event.at);
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
    log.append(`${event.message}\n`);
    if (atEnd) log.scrollTop = log.scrollHeight;
    if (event.phase !== "failed") now.textContent = event.message;
    return event.phase === "built" || event.phase === "failed";
  });
}

element("cancel").addEventListener("click", async (event) => {
  event.target.disabled = true;
  await call("DELETE", `api/launches/${launch}`);
});

element("go-on").addEventListener("click", async (event) => {
  event.target.hidden = true;
  await call("POST", `api/launches/${launch}/start`);
});

follow(`api/launches/${launch}/events`, onLaunch, (trouble) => {
  if (trouble) now.textContent = "The service does not answer; trying again.";
}).catch((error) => {
  if (!(error instanceof ApiError)) throw error;
  failed({ message: error.message, advice: error.advice });
});
