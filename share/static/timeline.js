// When a launch came to which step, and how long each took: from events alone, so that a page that
// is loaded again shows the same.

const STEPS = ["fetching", "waiting", "building", "converting", "launching"];

// Where a phase of a build is shown: what a builder fetches is a part of building.
const PLACES = { fetching: "building", pushing: "converting" };

// What the phases that are no steps stand before: between those, nothing is under way.
const PAUSES = { built: "launching", parked: "launching" };

export class Timeline {
  #launch = [];
  #build = [];
  #joined = Infinity;

  // An event of the launch. One that names a build stands for all that the build tells.
  addLaunch(event) {
    if (event.build) {
      this.#joined = this.#launch.length;
      this.#launch.push(mark("waiting", event.at));
    } else {
      note(this.#launch, event.phase, event.at);
    }
  }

  // A different build: the marks of the one before are worth nothing.
  beginBuild() {
    this.#build = [];
  }

  // An event of the build. It may be from before this launch: others may wait for the same.
  addBuild(event) {
    note(this.#build, PLACES[event.phase] || event.phase, event.at);
  }

  // Since when the build is being worked on, or undefined if it is not.
  get workedOnSince() {
    const waits = this.#build.findLastIndex((one) => one.phase === "waiting");
    const begun = this.#build.slice(waits + 1).find((one) => one.phase !== "failed");
    return begun?.at;
  }

  // Each step's name, state and seconds.
  at(now) {
    const marks = this.#marks();
    const last = marks.at(-1);
    const failed = last?.phase === "failed";
    if (failed) marks.pop();
    const reached = marks.length ? position(marks.at(-1).phase) : -1;
    const under = !failed && STEPS.includes(marks.at(-1)?.phase);
    const end = failed ? last.at : now;
    const spent = durations(marks, end);
    return STEPS.map((name, index) => ({
      name,
      seconds: index <= reached ? spent.get(name) : undefined,
      state: stateOf(index, reached, { failed, under, entered: spent.has(name) }),
    }));
  }

  #marks() {
    const began = this.#launch[this.#joined]?.at;
    const build = this.#build.filter((one) => one.phase !== "failed").map((one) => mark(one.phase, Math.max(one.at, began)));
    return [...this.#launch.slice(0, this.#joined + 1), ...build, ...this.#launch.slice(this.#joined + 1)];
  }
}

function mark(phase, at) {
  return { phase, at };
}

// Log lines are many; only the first of a phase says something here.
function note(marks, phase, at) {
  if (marks.at(-1)?.phase !== phase) marks.push(mark(phase, at));
}

function position(phase) {
  return phase === "ready" ? STEPS.length : STEPS.indexOf(PAUSES[phase] || phase);
}

function durations(marks, end) {
  const spent = new Map();
  marks.forEach(({ phase, at }, index) => {
    const until = Math.max(at, marks[index + 1]?.at ?? end);
    if (STEPS.includes(phase)) spent.set(phase, (spent.get(phase) || 0) + until - at);
  });
  return spent;
}

function stateOf(index, reached, { failed, under, entered }) {
  if (index < reached) return entered ? "done" : "skipped";
  if (index > reached) return "";
  if (failed) return "failed";
  return under ? "now" : "";
}

// A duration as it is said.
export function said(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
