// The views' style sheet, with JupyterLab's colours where there are any, and its own where not.

import { make } from './dom';

const ID = 'hps-style';

const LIGHT = `
  --hps-text: var(--jp-ui-font-color1, #212121);
  --hps-faint: var(--jp-ui-font-color2, #5c5c5c);
  --hps-line: var(--jp-border-color1, #9e9e9e);
  --hps-ground: var(--jp-layout-color1, #ffffff);
  --hps-raised: var(--jp-layout-color2, #f0f0f0);
  --hps-accent: var(--jp-brand-color1, #0b6bcb);
  --hps-warn: var(--jp-warn-color0, #9a4a00);
  --hps-bad: #b4b4b4;
`;

const DARK = `
  --hps-text: var(--jp-ui-font-color1, #e6e6e6);
  --hps-faint: var(--jp-ui-font-color2, #b0b0b0);
  --hps-line: var(--jp-border-color1, #6e6e6e);
  --hps-ground: var(--jp-layout-color1, #161616);
  --hps-raised: var(--jp-layout-color2, #2a2a2a);
  --hps-accent: var(--jp-brand-color1, #5ab0ff);
  --hps-warn: var(--jp-warn-color1, #ffb74d);
  --hps-bad: #6a6a6a;
`;

const STYLE = `
.hps { ${LIGHT}
  display: flex; flex-direction: column; width: 100%; height: 100%; min-height: 0;
  box-sizing: border-box; color: var(--hps-text); background: var(--hps-ground);
  font: var(--jp-ui-font-size1, 13px) / 1.4 var(--jp-ui-font-family, system-ui, sans-serif);
  font-variant-numeric: tabular-nums;
}
@media (prefers-color-scheme: dark) { body:not([data-jp-theme-light]) .hps { ${DARK} color-scheme: dark; } }
body[data-jp-theme-light='false'] .hps { ${DARK} color-scheme: dark; }
.hps *, .hps *::before { box-sizing: border-box; }
.hps [hidden] { display: none !important; }

.hps-heatmap { position: relative; flex: 1 1 0; min-width: 0; min-height: 0; overflow: hidden; }
.hps-image { position: absolute; touch-action: none; cursor: crosshair; image-rendering: pixelated; }
.hps-overlay { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.hps-zoom { position: absolute; right: 20px; top: 16px; display: flex; gap: 2px; opacity: 0.55; }
.hps-heatmap:hover .hps-zoom, .hps-zoom:focus-within { opacity: 1; }

.hps-button, .hps-select, .hps-number {
  font: inherit; color: var(--hps-text); background: var(--hps-raised); border: 1px solid var(--hps-line);
  border-radius: 3px; min-height: 26px; min-width: 26px; padding: 1px 6px;
}
.hps-button { cursor: pointer; }
.hps-button:hover, .hps-select:hover { border-color: var(--hps-accent); }
.hps-button[aria-pressed='true'] { border-color: var(--hps-accent); box-shadow: inset 0 0 0 1px var(--hps-accent); font-weight: 600; }
.hps :is(button, select, input, canvas, [tabindex]):focus-visible { outline: 2px solid var(--hps-accent); outline-offset: 1px; }
.hps-number { width: 7em; }
.hps-number[aria-invalid='true'] { border-color: var(--hps-warn); }

.hps-rows { flex: none; }
.hps-row { display: flex; flex: none; flex-wrap: wrap; align-items: center; gap: 6px; padding: 3px 10px; }
.hps-axis { min-width: 3.5em; font-weight: 600; }
.hps-slider { flex: 1 1 120px; min-width: 80px; accent-color: var(--hps-accent); }
.hps-course { position: relative; height: 40px; margin-bottom: 3px; font-size: 0.9em; }
.hps-course[data-open='false'] { height: 14px; }
.hps-course-fold { position: absolute; left: 10px; top: 0; min-width: 20px; padding: 0; font: inherit; line-height: 14px; color: var(--hps-faint); background: none; border: 0; cursor: pointer; }
.hps-course-fold:hover { color: var(--hps-accent); }
.hps-course-line { position: absolute; top: 0; bottom: 0; cursor: pointer; touch-action: none; }
.hps-course-line canvas { width: 100%; height: 100%; }
.hps-course-marker { position: absolute; left: 0; top: 0; bottom: 0; width: 2px; background: var(--hps-text); opacity: 0.7; pointer-events: none; }
.hps-course-note > div { overflow: hidden; text-overflow: ellipsis; }
.hps-course-note { position: absolute; right: 10px; top: 2px; color: var(--hps-faint); white-space: nowrap; line-height: 1.35; }
.hps-place { min-width: 6.5em; color: var(--hps-faint); }
.hps-bar { position: relative; flex: 1 1 140px; min-width: 100px; height: 44px; margin: 0 6px; }
.hps-span { display: flex; flex: 1 1 300px; align-items: center; gap: 6px; }
.hps-histogram { display: block; width: 100%; height: 100%; }
.hps-limit { position: absolute; top: -2px; bottom: -2px; width: 12px; margin-left: -6px; cursor: ew-resize; touch-action: none; }
.hps-limit::before { content: ''; position: absolute; left: 5px; top: 0; bottom: 0; width: 2px; background: var(--hps-accent); }
.hps-limit::after { content: ''; position: absolute; left: 2px; bottom: 0; width: 8px; height: 10px; border-radius: 2px; background: var(--hps-accent); border: 1px solid var(--hps-ground); }
.hps-panes { display: grid; flex: 1 1 0; min-height: 0; grid-template: minmax(0, 1fr) / minmax(0, 1fr); }
.hps-panes[data-three='true'] { grid-template: repeat(2, minmax(0, 1fr)) / repeat(2, minmax(0, 1fr)); }
.hps-profile { display: flex; flex: 0 0 30%; min-height: 130px; flex-direction: column; }
.hps-note { flex: none; min-height: 1.4em; padding: 2px 12px; color: var(--hps-faint); white-space: pre-wrap; }
.hps-problem { color: var(--hps-text); border-left: 3px solid var(--hps-warn); }
.hps-plot { position: relative; flex: 1 1 0; min-height: 0; cursor: crosshair; touch-action: none; }
.hps-plot canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
@media (forced-colors: active) {
  .hps-button[aria-pressed='true'] { background: Highlight; color: HighlightText; forced-color-adjust: none; }
  .hps-image, .hps-bar { forced-color-adjust: none; }
}
`;

/** Once for each page. */
export function addStyle(): void {
  if (!document.getElementById(ID)) {
    document.head.append(make('style', { id: ID }, STYLE));
  }
}
