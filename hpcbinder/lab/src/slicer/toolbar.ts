// The bar above what is shown: its name, its tabs, and what can be done with it.

import type { Node } from './answers';
import { iconOf } from './icons';
import type { Entry } from './menu';
import { menuButton } from './menu';
import { growingOf, TAB_NAMES } from './picture';
import type { SlicerState, Tab } from './state';
import { button, make, select } from './view/dom';
import { shapeText, typeText } from './words';

export interface Commands {
  tab(tab: Tab): void;
  part(part: string): void;
  linked(linked: boolean): void;
  follow(follow: boolean): void;
  /** Shows the file's tree, or hides it. */
  tree(): void;
  /** No difference any more. */
  single(): void;
  more(): readonly Entry[];
}

export interface Shown {
  readonly node: Node;
  readonly tabs: readonly Tab[];
  readonly tab: Tab;
  readonly parts: readonly string[];
  readonly state: SlicerState;
}

export class Toolbar {
  readonly element: HTMLElement;
  private readonly name = make('div', { class: 'hps-name' });
  private readonly about = make('span', { class: 'hps-faint' });
  private readonly tools = make('div', { class: 'hps-tools' });
  private readonly status = make('span', { class: 'hps-live', role: 'status' });

  constructor(private readonly commands: Commands) {
    const tree = button('Show or hide what is in the file', '☰', () => commands.tree());
    this.element = make('div', { class: 'hps-toolbar' }, tree, this.name, this.tools);
  }

  show({ node, tabs, tab, parts, state }: Shown): void {
    this.tellShape(node);
    this.name.replaceChildren(
      iconOf(node),
      make('span', { class: 'hps-path', title: node.path }, node.path),
      this.about,
      this.status
    );
    const tools: HTMLElement[] = [this.tabList(tabs, tab)];
    const numbers = tab === 'picture' || tab === 'line';
    if (numbers && parts.length > 1) {
      tools.push(this.partList(parts, state.part));
    }
    if (numbers && state.against) {
      tools.push(this.difference(state.against));
    }
    if (numbers) {
      tools.push(toggle('Link', 'Same slice, zoom and colours in all panels that are linked', !!state.linked, this.commands.linked));
    }
    if (growingOf(node) !== null) {
      tools.push(toggle('Follow latest', 'Go to what was written last', !!state.follow, this.commands.follow));
    }
    tools.push(menuButton('More', () => this.commands.more()));
    this.tools.replaceChildren(...tools);
  }

  /** Which may have grown since it was shown. */
  tellShape(node: Node): void {
    this.about.textContent = node.kind === 'dataset' ? `${shapeText(node.shape)}  ${typeText(node.type)}` : '';
  }

  /** How it stands with a file that is being written. */
  tell(words: string, doubtful: boolean): void {
    this.status.textContent = words;
    this.status.title = words;
    this.status.classList.toggle('hps-doubtful', doubtful);
  }

  private tabList(tabs: readonly Tab[], current: Tab): HTMLElement {
    const buttons = tabs.map((tab) => {
      const attributes = { type: 'button', class: 'hps-tab', role: 'tab', 'aria-selected': String(tab === current) };
      const button = make('button', attributes, TAB_NAMES[tab]);
      button.addEventListener('click', () => this.commands.tab(tab));
      return button;
    });
    return make('div', { class: 'hps-tabs', role: 'tablist', 'aria-label': 'Views' }, ...buttons);
  }

  private partList(parts: readonly string[], current: string | undefined): HTMLElement {
    const options = parts.map((part) => [part, part] as const);
    const element = select('Which part of each value', options, (part) => this.commands.part(part));
    element.value = current ?? parts[0];
    return element;
  }

  private difference(against: { readonly file: string; readonly path: string }): HTMLElement {
    const words = `minus ${against.file} ${against.path}`;
    const button = make('button', { type: 'button', class: 'hps-button', title: `${words}: show it alone` }, `− ${against.file.split('/').pop()} ✕`);
    button.addEventListener('click', () => this.commands.single());
    return button;
  }
}

function toggle(label: string, title: string, on: boolean, changed: (on: boolean) => void): HTMLElement {
  const attributes = { type: 'button', class: 'hps-button', title, 'aria-pressed': String(on) };
  const button = make('button', attributes, label);
  button.addEventListener('click', () => {
    const next = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(next));
    changed(next);
  });
  return button;
}
