// Making elements in few words.

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element with attributes (false and undefined: left out) and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children);
  return element;
}

export function button(label: string, text: string, pressed: () => void): HTMLButtonElement {
  const element = make('button', { type: 'button', class: 'hps-button', title: label, 'aria-label': label }, text);
  element.addEventListener('click', pressed);
  return element;
}

export function select<T extends string>(
  label: string,
  options: readonly (readonly [T, string])[],
  chosen: (value: T) => void
): HTMLSelectElement {
  const element = make('select', { class: 'hps-select', title: label, 'aria-label': label });
  element.append(...options.map(([value, text]) => make('option', { value }, text)));
  element.addEventListener('change', () => chosen(element.value as T));
  return element;
}

/** A canvas as large as its element, in pixels of the screen. */
export function sized(canvas: HTMLCanvasElement, width: number, height: number): number {
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  return ratio;
}
