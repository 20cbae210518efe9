// How long it will take: the place in the queue, and how long such a build took before.

import { call } from "./api.js";
import { said } from "./timeline.js";

const LOOK_AGAIN_MS = 5000;

export class Forecast {
  #box;
  #text;
  #bar;
  #facts = {};
  #looking = 0;

  constructor(box) {
    this.#box = box;
    this.#text = box.querySelector("p");
    this.#bar = box.querySelector("[role=progressbar]");
  }

  // Ask for what is known of a build, again and again for as long as it waits.
  async look(build, waits) {
    const number = ++this.#looking;
    do {
      const facts = await call("GET", `api/builds/${build}`).catch(() => null);
      if (number !== this.#looking) return;
      this.#facts = facts ?? this.#facts;
      if (waits()) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    } while (number === this.#looking && waits());
  }

  // `seconds`: how long the build has been worked on; undefined while it waits.
  show(step, seconds) {
    const sentences = step === "waiting" ? [this.#place(), this.#before()] : [this.#before(seconds)];
    const shown = ["waiting", "building", "converting"].includes(step) ? sentences.filter(Boolean).join(" ") : "";
    this.#box.hidden = !shown;
    this.#text.textContent = shown;
    this.#draw(seconds);
  }

  #place() {
    const { ahead, held_up } = this.#facts;
    if (held_up) return held_up;
    if (typeof ahead !== "number") return "";
    if (ahead === 0) return "This build is the next one.";
    return ahead === 1 ? "One build is before this one." : `${ahead} builds are before this one.`;
  }

  #before(seconds) {
    const expected = this.#facts.expected_seconds;
    if (!expected) return "";
    const before = `Earlier builds of this repository took about ${said(expected)}`;
    if (seconds === undefined) return `${before}.`;
    return `${before}; this one has taken ${said(seconds)}${seconds > expected ? ", which is longer" : ""}.`;
  }

  #draw(seconds) {
    const expected = this.#facts.expected_seconds;
    this.#bar.hidden = !expected || seconds === undefined;
    if (this.#bar.hidden) return;
    const percent = Math.min(100, Math.round((100 * seconds) / expected));
    this.#bar.setAttribute("aria-valuenow", percent);
    this.#bar.firstElementChild.style.width = `${percent}%`;
  }
}
