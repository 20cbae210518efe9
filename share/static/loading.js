// The loading page: a launch's steps and its build's log as they come, and the way on.

import { plain } from "./ansi.js";
import { address, ApiError, call, follow } from "./api.js";
import { Forecast } from "./forecast.js";
import { LogPanel } from "./log.js";
import { showPreview } from "./preview.js";
import { notify, offerNotifications, signal, whenSeen } from "./signals.js";
import { said, Timeline } from "./timeline.js";

const page = document.getElementById("loading");
const element = (id) => document.getElementById(id);
const launch = page.dataset.launch;
// Events carry the service's time, which the browser's clock may not share.
const behind = Number(page.dataset.now) - Date.now() / 1000;
const now = () => Date.now() / 1000 + behind;

const timeline = new Timeline();
const log = new LogPanel(element("log-box"));
const forecast = new Forecast(element("forecast"));
let build = "";
let over = false;
let current = "";

// -- the steps ----------------------------------------------------------------------------------

const WORDS = { done: "done after", now: "under way for", failed: "failed after", skipped: "" };

function draw() {
  const steps = timeline.at(now());
  for (const { name, state, seconds } of steps) {
    const item = page.querySelector(`[data-phase=${name}]`);
    item.className = state;
    if (state === "now") item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
    const time = state === "skipped" ? "not needed" : seconds === undefined || !state ? "" : said(seconds);
    item.querySelector(".binder-time").textContent = time;
    item.querySelector(".visually-hidden").textContent = time && WORDS[state];
  }
  showForecast(steps.find(({ state }) => state === "now")?.name ?? "");
}

function showForecast(step) {
  const since = timeline.workedOnSince;
  forecast.show(step, since === undefined ? undefined : now() - since);
  if (step === current) return;
  current = step;
  if (build && ["waiting", "building"].includes(step)) forecast.look(build, () => current === "waiting");
}

// What a screen reader says: each step once, and never the log. Past steps come all at once when
// the page is loaded again, so it waits for the last of them.
let announcing;

function announce() {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    const item = page.querySelector("li.now .binder-phase");
    const text = item ? `${item.textContent}: under way.` : element("now").textContent;
    if (element("announcement").textContent !== text) element("announcement").textContent = text;
  }, 400);
}

function say(text, isLog = false) {
  element("now").textContent = plain(text);
  // A launch's sentences are to be read; a log's lines only show that something happens.
  element("now").classList.toggle("text-truncate", isLog);
}

// -- the launch and its build -------------------------------------------------------------------

function onLaunch(event) {
  timeline.addLaunch(event);
  say(event.message);
  if (event.notice) addNotice(event);
  if (event.commit) showCommit(event.commit);
  if (event.build) followBuild(event.build);
  const parked = event.phase === "parked";
  element("go-on").hidden = !parked;
  signal(parked ? "Waiting" : "Preparing");
  if (event.phase === "ready") ready(event);
  if (event.phase === "failed") failed(event);
  draw();
  announce();
  return over;
}

// What became of her own files is not to be passed over by going on unasked.
let toBeRead = false;

function addNotice({ message, phase }) {
  element("notices").append(Object.assign(document.createElement("p"), { textContent: message }));
  element("notices").hidden = false;
  toBeRead ||= phase === "launching";
}

let previewed = false;

function showCommit(commit) {
  const short = Object.assign(document.createElement("code"), { textContent: commit.slice(0, 10) });
  element("commit").replaceChildren(" at ", short);
  if (!previewed) showPreview(element("preview"), `launches/${launch}/preview`);
  previewed = true;
}

function followBuild(id) {
  if (id === build) return;
  build = id;
  timeline.beginBuild();
  log.begin(address(`api/builds/${id}/log`));
  follow(`api/builds/${id}/events`, (event) => {
    if (id !== build) return true;
    timeline.addBuild(event);
    log.add(event.message);
    if (!over) say(event.message, true);
    draw();
    announce();
    return event.phase === "built" || event.phase === "failed";
  }).catch((error) => log.add(error.message));
}

// -- its end ------------------------------------------------------------------------------------

function end() {
  over = true;
  clearInterval(clock);
  element("cancel").hidden = true;
  element("notify").hidden = true;
}

function ready(event) {
  end();
  // What is there no more is not opened: the page says above how it ended.
  if (element("ended")) return;
  element("open").href = event.url;
  element("open").hidden = false;
  signal("Ready");
  notify("JupyterLab is ready.");
  // In the history, this page would only lead forward again.
  if (!toBeRead) whenSeen(() => location.replace(event.url));
}

function failed(event) {
  end();
  say("");
  element("failure-message").textContent = event.message;
  element("failure-advice").textContent = event.advice || "";
  showWords(event.detail || "");
  element("failure").hidden = false;
  element("again").hidden = false;
  signal("Failed");
  notify(event.message);
}

function showWords(text) {
  const log = element("failure-detail");
  log.textContent = text.split("\n").map(plain).join("\n");
  log.hidden = !text;
}

// -- what one can do ----------------------------------------------------------------------------

element("cancel").addEventListener("click", async (event) => {
  event.target.disabled = true;
  await call("DELETE", `api/launches/${launch}`).catch((error) => {
    event.target.disabled = false;
    say(error instanceof ApiError ? error.message : "The service does not answer; try again.");
  });
});

element("go-on").addEventListener("click", async (event) => {
  event.target.hidden = true;
  await call("POST", `api/launches/${launch}/start`);
});

const clock = setInterval(draw, 1000);
offerNotifications(element("notify"));
follow(`api/launches/${launch}/events`, onLaunch, (trouble) => {
  if (!trouble) return;
  say("The service does not answer; trying again.");
  announce();
}).catch((error) => {
  if (!(error instanceof ApiError)) throw error;
  failed({ message: error.message, advice: error.advice });
});
