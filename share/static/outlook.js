// The launch page's outlook: what is free beside each profile, and when what is chosen would start.

import { call } from "./api.js";

const REST_MS = 400;
const AGAIN_MS = 2000;
const FREE_MS = 30000;

const line = document.getElementById("outlook");

// -- what is free -------------------------------------------------------------------------------

async function showFree() {
  const places = document.querySelectorAll("[data-free]");
  try {
    const { partitions } = await call("GET", "api/availability");
    const words = Object.fromEntries(partitions.map((partition) => [partition.name, partition.words]));
    for (const place of places) {
      const names = place.dataset.free.split(" ").filter((name) => words[name]);
      place.textContent = names.map((name) => (names.length > 1 ? `${name}: ${words[name]}` : words[name])).join(" ");
    }
  } catch {
    // What was free a while ago may be so no more.
    for (const place of places) place.textContent = "What is free cannot be told at the moment.";
  }
}

export function keepShowingFree() {
  showFree();
  setInterval(() => { if (!document.hidden) showFree(); }, FREE_MS);
}

// -- when it would start ------------------------------------------------------------------------

let timer;
let asking = false;
let question = 0; // Counts what was chosen: an answer is told only if nothing else was meanwhile.
let wanted = null;

// Asks when the hand rests. While one answer is waited for, only the newest question is kept.
export function forecast(choices) {
  question += 1;
  wanted = choices;
  clearTimeout(timer);
  if (choices) timer = setTimeout(ask, REST_MS);
  else tell("");
}

async function ask() {
  if (asking || !wanted) return;
  const [choices, number] = [wanted, question];
  let pause = 0;
  wanted = null;
  asking = true;
  try {
    const { wait } = await call("POST", "api/forecast", choices);
    if (number === question) tell(inWords(wait, new Date()));
  } catch (error) {
    if (error.status === 429) pause = AGAIN_MS;
    else if (number === question) tell(error.message, error);
  }
  asking = false;
  if (pause && number === question) wanted = choices;
  if (wanted) timer = setTimeout(ask, pause);
}

function tell(words, error) {
  line.textContent = words;
  line.hidden = !words;
  line.classList.toggle("text-danger-emphasis", Boolean(error));
  for (const text of [error?.advice, error?.detail].filter(Boolean)) {
    line.append(Object.assign(document.createElement("span"), { textContent: text, className: "d-block small" }));
  }
}

function inWords(wait, now) {
  if (wait < 60) return "Would start now.";
  const start = new Date(now.getTime() + wait * 1000);
  const time = start.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const day = start.toDateString() === now.toDateString() ? "" : `${start.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" })}, `;
  return `Expected start: ${day}${time} (in ${about(wait)}).`;
}

function about(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 2) return "about a minute";
  if (minutes < 90) return `about ${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `about ${hours} hours` : `about ${Math.round(hours / 24)} days`;
}
