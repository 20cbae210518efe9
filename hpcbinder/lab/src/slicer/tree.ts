// What is in a file: groups open when they are asked for, a page of members at a time.

import type { Item } from './answers';
import type { Api } from './api';
import { isSuperseded } from './api';
import { iconOf, kindOf } from './icons';
import { make } from './view/dom';
import { Signal } from './view/signal';
import { summary } from './words';

interface Row {
  readonly item: Item;
  readonly level: number;
  open: boolean;
  members: Row[] | null;
  total: number;
  /** Members that are on their way: whoever wants them too, waits with them. */
  coming: Promise<void> | null;
}

const TYPING_MILLISECONDS = 200;

export class Tree {
  readonly element: HTMLElement;
  readonly chosen = new Signal<Item>();
  readonly failed = new Signal<unknown>();
  private readonly list = make('div', { class: 'hps-tree-list', role: 'tree', tabindex: 0 });
  private readonly root: Row;
  private rows: Row[] = [];
  private found: Row[] | null = null;
  private current = '/';
  private searching: AbortController | null = null;
  private typed = 0;

  constructor(
    private readonly api: Api,
    private readonly file: string,
    name: string
  ) {
    const item: Item = { name, path: '/', kind: 'group', link: null };
    this.root = { item, level: 1, open: false, members: null, total: 0, coming: null };
    this.list.setAttribute('aria-label', `What is in ${name}`);
    this.list.addEventListener('keydown', (event) => this.pressed(event));
    this.list.addEventListener('click', (event) => this.clicked(event));
    this.element = make('div', { class: 'hps-tree' }, this.searchField(), this.list);
  }

  /** Nothing of the file is known. */
  get isEmpty(): boolean {
    return this.root.members === null;
  }

  /** Open the groups on the way to `path`, and mark it. */
  async reveal(path: string): Promise<void> {
    this.current = path;
    await this.open(this.root);
    let row = this.root;
    for (const name of path.split('/').filter(Boolean)) {
      const next = row.members?.find((member) => lastName(member.item) === name);
      if (!next) {
        break;
      }
      row = next;
      if (row.item.path !== path && row.item.kind === 'group') {
        await this.open(row);
      }
    }
    this.draw();
    this.markedElement()?.scrollIntoView({ block: 'nearest' });
  }

  /** Read again what is open: a file that is being written gets new members. */
  async refresh(): Promise<void> {
    const again = async (row: Row): Promise<void> => {
      if (!row.open) {
        row.members = null;
        return;
      }
      const known = new Map(row.members?.map((member) => [member.item.path, member]));
      row.members = null;
      await this.load(row);
      for (const member of (row.members as Row[] | null) ?? []) {
        const before = known.get(member.item.path);
        if (before?.open) {
          Object.assign(member, { open: true, members: before.members });
          await again(member);
        }
      }
    };
    await again(this.root);
    this.draw();
  }

  focus(): void {
    this.list.focus();
  }

  private searchField(): HTMLElement {
    const label = 'Search names in the file';
    const input = make('input', { type: 'search', placeholder: 'Search', 'aria-label': label });
    input.addEventListener('input', () => {
      window.clearTimeout(this.typed);
      this.typed = window.setTimeout(() => void this.search(input.value), TYPING_MILLISECONDS);
    });
    input.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown') {
        event.preventDefault();
        this.list.focus();
      }
    });
    return make('div', { class: 'hps-tree-search' }, input);
  }

  private async search(text: string): Promise<void> {
    this.searching?.abort();
    if (!text.trim()) {
      this.found = null;
      this.draw();
      return;
    }
    this.searching = new AbortController();
    try {
      const answer = await this.api.search(this.file, text.trim(), this.searching.signal);
      this.found = answer.found.map((item) => rowOf({ ...item, name: item.path }, 1));
      const words = answer.found.length === 0 ? 'Nothing has such a name.' : '';
      this.draw(answer.complete ? words : `Searched ${answer.seen} names; there are more.`);
    } catch (error) {
      if (!isSuperseded(error)) {
        this.failed.emit(error);
      }
    }
  }

  private async open(row: Row): Promise<void> {
    row.open = true;
    if (row.members === null) {
      await this.load(row);
    }
  }

  private load(row: Row): Promise<void> {
    row.coming ??= this.read(row).finally(() => {
      row.coming = null;
    });
    return row.coming;
  }

  /** The next members of a group; all that are known stay. */
  private async read(row: Row): Promise<void> {
    const known = row.members ?? [];
    try {
      const page = await this.api.children(this.file, row.item.path, known.length);
      row.total = page.total;
      row.members = [...known, ...page.children.map((item) => rowOf(item, row.level + 1))];
    } catch (error) {
      row.open = false;
      this.failed.emit(error);
    }
  }

  private draw(note = ''): void {
    this.rows = this.found ?? [...visible(this.root)];
    const partial = this.found ? [] : this.rows.filter(isPartial);
    const elements = this.rows.flatMap((row) => {
      const ended = partial.filter((parent) => lastBelow(parent) === row);
      return [this.rowElement(row), ...ended.map((parent) => this.moreElement(parent))];
    });
    this.list.replaceChildren(...elements);
    if (note) {
      this.list.append(make('div', { class: 'hps-tree-note', role: 'status' }, note));
    }
    this.list.setAttribute('aria-activedescendant', this.markedElement()?.id ?? '');
  }

  private rowElement(row: Row): HTMLElement {
    const { item, level } = row;
    const marked = item.path === this.current;
    const isGroup = item.kind === 'group';
    const element = make('div', {
      class: 'hps-tree-row',
      role: 'treeitem',
      id: this.idOf(row),
      'data-path': item.path,
      'aria-level': level,
      'aria-selected': String(marked),
      'aria-expanded': isGroup && !this.found ? String(row.open) : undefined,
      'aria-label': `${item.name}, ${kindOf(item)}`,
      title: `${item.path}\n${kindOf(item)}${item.type ? `, ${item.type.text}` : ''}${linkText(item)}`,
      style: `--level: ${level - 1}`,
    });
    const twist = make('span', { class: 'hps-tree-twist' }, isGroup && !this.found ? '▸' : '');
    const name = make('span', { class: 'hps-tree-name' }, item.name);
    element.append(twist, iconOf(item), name);
    if (item.link && item.kind !== 'link') {
      element.append(make('span', { class: 'hps-tree-link', 'aria-hidden': 'true' }, '↪'));
    }
    element.append(make('span', { class: 'hps-tree-about' }, summary(item)));
    return element;
  }

  /** Behind the last member that is known of a group with more. */
  private moreElement(parent: Row): HTMLElement {
    const text = `Show more (${parent.members?.length ?? 0} of ${parent.total})`;
    const more = make('button', { type: 'button', class: 'hps-tree-more' }, text);
    more.style.setProperty('--level', String(parent.level));
    more.addEventListener('click', (event) => {
      event.stopPropagation();
      void this.load(parent).then(() => this.draw());
    });
    return more;
  }

  private clicked(event: MouseEvent): void {
    const target = event.target as HTMLElement;
    const element = target.closest<HTMLElement>('.hps-tree-row');
    const row = this.rows.find((one) => one.item.path === element?.dataset.path);
    if (row) {
      const onTwist = target.classList.contains('hps-tree-twist');
      void this.take(row, onTwist ? !row.open : row.item.path !== this.current || !row.open);
    }
  }

  /** Mark it, tell of it, and open or close it if it is a group. */
  private async take(row: Row, open: boolean): Promise<void> {
    this.current = row.item.path;
    if (row.item.kind === 'group' && !this.found) {
      if (open) {
        await this.open(row);
      } else {
        row.open = false;
      }
    }
    this.draw();
    this.chosen.emit(row.item);
  }

  private pressed(event: KeyboardEvent): void {
    const at = Math.max(0, this.rows.findIndex((row) => row.item.path === this.current));
    const row = this.rows[at];
    const last = this.rows.length - 1;
    const target: Record<string, number> = {
      ArrowDown: Math.min(at + 1, last),
      ArrowUp: Math.max(at - 1, 0),
      Home: 0,
      End: last,
    };
    if (row === undefined) {
      return;
    }
    if (event.key in target) {
      this.mark(this.rows[target[event.key]]);
    } else if (event.key === 'ArrowRight' && row.item.kind === 'group') {
      void (row.open ? Promise.resolve(this.mark(this.rows[Math.min(at + 1, last)])) : this.take(row, true));
    } else if (event.key === 'ArrowLeft') {
      this.closeOrUp(row, at);
    } else if (event.key === 'Enter' || event.key === ' ') {
      void this.take(row, !row.open);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private closeOrUp(row: Row, at: number): void {
    if (row.open) {
      row.open = false;
      this.draw();
      return;
    }
    const parent = this.rows.slice(0, at).reverse().find((one) => one.level < row.level);
    if (parent) {
      this.mark(parent);
    }
  }

  private mark(row: Row): void {
    this.current = row.item.path;
    this.draw();
    this.markedElement()?.scrollIntoView({ block: 'nearest' });
  }

  private markedElement(): HTMLElement | null {
    return this.list.querySelector<HTMLElement>('[aria-selected="true"]');
  }

  private idOf(row: Row): string {
    return `hps-${this.file}-${row.item.path}`.replace(/[^\w-]/g, '_');
  }
}

function rowOf(item: Item, level: number): Row {
  return { item, level, open: false, members: null, total: item.members ?? 0, coming: null };
}

function* visible(row: Row): Generator<Row> {
  yield row;
  if (row.open) {
    for (const member of row.members ?? []) {
      yield* visible(member);
    }
  }
}

/** More members than are known. */
function isPartial(row: Row): boolean {
  return row.open && !!row.members?.length && row.members.length < row.total;
}

function lastBelow(row: Row): Row {
  let last = row;
  while (last.open && last.members?.length) {
    last = last.members[last.members.length - 1];
  }
  return last;
}

function lastName(item: Item): string {
  return item.path.slice(item.path.lastIndexOf('/') + 1);
}

function linkText({ link }: Item): string {
  if (!link) {
    return '';
  }
  const where = [link.file, link.path].filter(Boolean).join(' : ');
  return `\n${link.kind} link${where ? ` to ${where}` : ''}${link.message ? `\n${link.message}` : ''}`;
}
