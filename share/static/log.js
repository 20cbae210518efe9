// The log of a build: lines as they come, with their colours, and a search that leaves what matches.

import { Painter } from "./ansi.js";

const HIGHLIGHT = "binder-found";
const MOST_HIGHLIGHTS = 1000;

export class LogPanel {
  #box;
  #lines;
  #search;
  #count;
  #painter;
  #waiting = [];
  #matching = 0;

  constructor(box) {
    this.#box = box;
    this.#lines = box.querySelector(".binder-log");
    this.#search = box.querySelector("input[type=search]");
    this.#count = box.querySelector(".binder-log-count");
    this.#search.addEventListener("input", () => this.#filter());
    this.#search.addEventListener("keydown", (event) => this.#onSearchKey(event));
    this.#lines.addEventListener("keydown", (event) => this.#onLogKey(event));
  }

  // Show the log of this build, from its beginning.
  begin(download) {
    this.#painter = new Painter();
    this.#waiting = [];
    this.#matching = 0;
    this.#lines.replaceChildren();
    this.#box.querySelector("a[download]").href = download;
    this.#box.hidden = false;
    this.#tell();
  }

  // Many lines may come at once: they are drawn together.
  add(text) {
    if (!this.#waiting.length) requestAnimationFrame(() => this.#draw());
    this.#waiting.push(text);
  }

  #draw() {
    const { scrollHeight, scrollTop, clientHeight } = this.#lines;
    const atEnd = scrollHeight - scrollTop - clientHeight < 30;
    const made = this.#waiting.map((text) => {
      const line = document.createElement("div");
      line.append(this.#painter.paint(text));
      return line;
    });
    this.#waiting = [];
    this.#select(made);
    this.#lines.append(...made);
    this.#finish();
    if (atEnd) this.#lines.scrollTop = this.#lines.scrollHeight;
  }

  #filter() {
    this.#matching = 0;
    this.#select([...this.#lines.children]);
    this.#finish();
  }

  #select(lines) {
    const wanted = this.#search.value.toLowerCase();
    for (const line of lines) {
      line.hidden = !line.textContent.toLowerCase().includes(wanted);
      if (!line.hidden) this.#matching++;
    }
  }

  #finish() {
    this.#highlight();
    this.#tell();
  }

  #tell() {
    const all = this.#lines.childElementCount;
    const of = this.#search.value ? `${this.#matching} of ` : "";
    this.#count.textContent = `${of}${all} ${all === 1 ? "line" : "lines"}`;
  }

  // Marks what was found without touching the lines; browsers that cannot just filter.
  #highlight() {
    if (!CSS.highlights) return;
    CSS.highlights.delete(HIGHLIGHT);
    const wanted = this.#search.value.toLowerCase();
    if (wanted) CSS.highlights.set(HIGHLIGHT, new Highlight(...this.#ranges(wanted)));
  }

  #ranges(wanted) {
    const ranges = [];
    const texts = document.createTreeWalker(this.#lines, NodeFilter.SHOW_TEXT);
    while (texts.nextNode() && ranges.length < MOST_HIGHLIGHTS) {
      const text = texts.currentNode.data.toLowerCase();
      for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
        const range = new StaticRange({
          startContainer: texts.currentNode, startOffset: at,
          endContainer: texts.currentNode, endOffset: at + wanted.length,
        });
        ranges.push(range);
      }
    }
    return ranges;
  }

  #onSearchKey(event) {
    if (event.key === "Escape" && this.#search.value) {
      event.preventDefault();
      this.#search.value = "";
      this.#filter();
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.#lines.focus();
    }
  }

  #onLogKey(event) {
    if (event.key === "/") {
      event.preventDefault();
      this.#search.select();
    }
  }
}
