// The colours of the page around a view, as a canvas needs them.

export interface Theme {
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  readonly ground: string;
  readonly accent: string;
  readonly font: string;
  /** Of what is no number: told from every colour of a map by its stripes. */
  readonly bad: readonly [number, number, number];
}

export function themeOf(element: Element): Theme {
  const style = getComputedStyle(element);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: value('--hps-text'),
    faint: value('--hps-faint'),
    line: value('--hps-line'),
    ground: value('--hps-ground'),
    accent: value('--hps-accent'),
    font: `11px ${style.fontFamily || 'sans-serif'}`,
    bad: parsed(value('--hps-bad')) ?? [128, 128, 128],
  };
}

function parsed(hex: string): [number, number, number] | null {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex);
  return match ? [parseInt(match[1] ?? '', 16), parseInt(match[2] ?? '', 16), parseInt(match[3] ?? '', 16)] : null;
}

/** Calls back when the page's theme may be another one. */
export function onTheme(changed: () => void): () => void {
  // JupyterLab says its theme by attributes of the body, and swaps style sheets around it.
  const observer = new MutationObserver(() => {
    changed();
    // Style sheets of a theme arrive a moment after its name.
    setTimeout(changed, 300);
  });
  observer.observe(document.body, {
    attributeFilter: ['data-jp-theme-light', 'data-jp-theme-name', 'class', 'style'],
  });
  const media = [matchMedia('(prefers-color-scheme: dark)'), matchMedia('(forced-colors: active)')];
  media.forEach((one) => one.addEventListener('change', changed));
  return () => {
    observer.disconnect();
    media.forEach((one) => one.removeEventListener('change', changed));
  };
}
