// The tab that is open: a picture, a table, values or attributes of one thing in the file.

import type { ReadonlyJSONObject } from '@lumino/coreutils';

import type { Node } from './answers';
import { partsOf } from './answers';
import { attributesElement } from './attributes';
import type { Api, Arguments } from './api';
import type { Loaded } from './loaded';
import { atLast, load } from './loaded';
import type { Picture } from './picture';
import { pictureOf } from './picture';
import { rawElement } from './raw';
import type { SlicerState, Tab } from './state';
import { Table } from './table';
import { make } from './view/dom';
import { Signal } from './view/signal';

export class Contents {
  readonly element = make('div', { class: 'hps-body' });
  /** The picture's own state is another one. */
  readonly changed = new Signal<void>();
  readonly failed = new Signal<unknown>();
  private loaded: Loaded | null = null;
  private picture: Picture | null = null;
  private table: Table | null = null;
  /** What the picture is of: until its successor is there, not what is wanted. */
  private pictured = '';

  constructor(private readonly api: Api) {}

  /** What is on screen, as the server's parameters; null where there are no numbers. */
  get asked(): Arguments | null {
    const request = this.picture?.request;
    return request && this.loaded ? this.loaded.own.asked(request) : null;
  }

  /** The picture's state, if it is one of this path. */
  stateOf(path: string | undefined): ReadonlyJSONObject | null {
    const state = this.pictured === path ? this.picture?.state : undefined;
    return state ? (JSON.parse(JSON.stringify(state)) as ReadonlyJSONObject) : null;
  }

  /** `still`: nothing newer is wanted meanwhile. What was there stays until its successor is. */
  async fill(tab: Tab, file: string, node: Node, state: SlicerState, still: () => boolean): Promise<void> {
    const make = await this.asking(tab, file, node, state);
    if (still()) {
      this.clear();
      this.element.replaceChildren(make());
    }
  }

  /** Something else than a tab, such as why there is none. */
  tell(element: HTMLElement): void {
    this.element.replaceChildren(element);
  }

  restore(picture: ReadonlyJSONObject): void {
    this.picture?.restore(picture);
  }

  /** The data set is of another shape, or its values are others. */
  grow(shape: readonly number[], follow: boolean): void {
    const before = this.loaded?.own.shape ?? [];
    this.loaded?.own.resize(shape);
    const grown = shape.findIndex((size, axis) => size > (before[axis] ?? 0));
    if (follow && grown >= 0) {
      this.goToLast(grown, shape[grown]);
    }
    this.picture?.refresh();
    this.table?.refresh();
  }

  goToLast(axis: number, size: number): void {
    const latest = this.picture ? atLast(this.picture.state, axis, size) : null;
    if (latest) {
      this.picture?.restore(latest);
    }
  }

  clear(): void {
    this.picture?.dispose();
    this.table?.dispose();
    [this.picture, this.table, this.loaded] = [null, null, null];
  }

  /** Asks for what a tab needs; what is then made of it holds more, and is made when its place is free. */
  private async asking(tab: Tab, file: string, node: Node, state: SlicerState): Promise<() => HTMLElement> {
    if (tab === 'picture' || tab === 'line') {
      const parts = partsOf(node.type);
      const part = state.part && parts.includes(state.part) ? state.part : (parts[0] ?? '');
      const loaded = await load(this.api, { file, path: state.path }, node, part, state.against);
      return () => this.show(loaded, tab, node, state.picture);
    }
    if (tab === 'table') {
      return () => this.tabulate(file, node);
    }
    if (tab === 'raw') {
      const element = await rawElement(this.api, file, node);
      return () => element;
    }
    const attributes = await this.api.attributes(file, node.path);
    return () => attributesElement(node, attributes);
  }

  private show(loaded: Loaded, tab: Tab, node: Node, seen: ReadonlyJSONObject | undefined): HTMLElement {
    this.loaded = loaded;
    this.pictured = node.path;
    this.picture = pictureOf(tab, loaded.source, seen);
    this.picture.changed.connect(() => this.changed.emit());
    return this.picture.element;
  }

  private tabulate(file: string, node: Node): HTMLElement {
    this.table = new Table(this.api, file, node);
    this.table.failed.connect((error) => this.failed.emit(error));
    return this.table.element;
  }
}
