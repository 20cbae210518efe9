// Colours of terminals, as far as logs use them: text in, elements out, never markup.

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const SEQUENCE = /\x1b\[([0-9;:?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b./g;
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/g;

// The text alone, as it would stand on a terminal: what a carriage return overwrote is gone.
export function plain(line) {
  return shown(line).replace(SEQUENCE, "").replace(CONTROL, "");
}

function shown(line) {
  return line.slice(line.replace(/\r+$/, "").lastIndexOf("\r") + 1);
}

// Paints line after line; a colour lasts until the log ends it.
export class Painter {
  #style = {};

  // The line as spans and text nodes.
  paint(line) {
    const fragment = document.createDocumentFragment();
    const text = shown(line);
    let from = 0;
    for (const found of text.matchAll(SEQUENCE)) {
      this.#append(fragment, text.slice(from, found.index));
      if (found[2] === "m") this.#select(found[1]);
      from = found.index + found[0].length;
    }
    this.#append(fragment, text.slice(from));
    return fragment;
  }

  #append(fragment, raw) {
    const text = raw.replace(CONTROL, "");
    if (!text) return;
    const names = Object.values(this.#style).filter(Boolean).map((name) => `ansi-${name}`);
    if (!names.length) {
      fragment.append(text);
      return;
    }
    fragment.append(Object.assign(document.createElement("span"), { textContent: text, className: names.join(" ") }));
  }

  // Backgrounds are left out: they would have to be readable with every colour of text, in both themes.
  #select(parameters) {
    const codes = parameters.split(/[;:]/).map(Number);
    for (let index = 0; index < codes.length; index++) {
      const code = codes[index];
      if (code === 0) this.#style = {};
      else if (code === 1) this.#style.weight = "bold";
      else if (code === 3) this.#style.slant = "italic";
      else if (code === 4) this.#style.line = "underline";
      else if (code === 22) this.#style.weight = "";
      else if (code === 23) this.#style.slant = "";
      else if (code === 24) this.#style.line = "";
      else if (code === 39) this.#style.colour = "";
      else if (code >= 30 && code <= 37) this.#style.colour = COLOURS[code - 30];
      else if (code >= 90 && code <= 97) this.#style.colour = COLOURS[code - 90];
      else if (code === 38 || code === 48) index = this.#selectOther(code, codes, index);
    }
  }

  // One of 256 colours or of all: the first 16 are known by name, others stay as they are.
  #selectOther(code, codes, index) {
    if (codes[index + 1] === 2) return index + 4;
    if (codes[index + 1] !== 5) return index;
    if (code === 38 && codes[index + 2] < 16) this.#style.colour = COLOURS[codes[index + 2] % 8];
    return index + 2;
  }
}
