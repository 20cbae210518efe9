// What is shown of one thing in the file: its tabs, its view, and what can be done with it.

import type { ReadonlyJSONObject } from '@lumino/coreutils';

import type { Node } from './answers';
import { partsOf } from './answers';
import type { Arguments } from './api';
import { isSuperseded, Refused } from './api';
import { Contents } from './contents';
import { Follower } from './follower';
import type { Member } from './linked';
import type { Way } from './notice';
import { noticeOf } from './notice';
import type { Around } from './panel';
import { growingOf, tabsOf } from './picture';
import type { Place } from './source';
import type { SlicerState } from './state';
import { Toolbar } from './toolbar';
import { make } from './view/dom';
import { Signal } from './view/signal';

const TRY_AGAIN_MILLISECONDS = 2000;

export class Stage implements Member {
  readonly element: HTMLElement;
  readonly changed = new Signal<SlicerState>();
  readonly grew = new Signal<void>();
  readonly treeWanted = new Signal<void>();
  private readonly toolbar: Toolbar;
  private readonly follower: Follower;
  private readonly contents: Contents;
  private wanted: SlicerState | null = null;
  private node: Node | null = null;
  private turn = 0;
  private again = 0;

  constructor(
    private name: string,
    private readonly around: Around
  ) {
    this.toolbar = new Toolbar({
      tab: (tab) => void this.show({ ...this.known(), tab }),
      part: (part) => void this.show({ ...this.known(), part }),
      linked: (linked) => this.link(linked),
      follow: (follow) => this.follow(follow),
      tree: () => this.treeWanted.emit(),
      single: () => void this.show({ ...this.known(), against: undefined }),
      more: () => around.actions(this),
    });
    this.follower = new Follower(around.live, {
      grew: (shape) => this.takeGrowth(shape),
      tell: (words, doubtful) => this.toolbar.tell(words, doubtful),
    });
    this.contents = new Contents(around.api);
    this.contents.failed.connect((error) => this.tell(error));
    this.contents.changed.connect(() => {
      around.group.tell(this, this.pictureState().picture ?? {});
      this.tellOf();
    });
    this.element = make('div', { class: 'hps hps-stage' }, this.toolbar.element, this.contents.element);
  }

  get state(): SlicerState | null {
    return this.wanted && { ...this.wanted, ...this.pictureState() };
  }

  get file(): string {
    return this.name;
  }

  get shape(): readonly number[] {
    return this.node?.shape ?? [];
  }

  get rank(): number {
    return this.shape.length;
  }

  /** What is on screen, as the server's parameters; null where there are no numbers. */
  get asked(): Arguments | null {
    return this.contents.asked;
  }

  move(file: string): void {
    this.name = file;
  }

  /** Something of the file; a newer call takes the place of one that is on its way. */
  async show(state: SlicerState): Promise<void> {
    const turn = ++this.turn;
    window.clearTimeout(this.again);
    const known = this.wanted?.path === state.path;
    this.wanted = { ...(known ? this.wanted : this.kept()), ...state };
    try {
      const node = known && this.node ? this.node : await this.around.api.node(this.file, state.path);
      if (turn === this.turn) {
        await this.enter(node, turn);
      }
    } catch (error) {
      if (turn === this.turn && !isSuperseded(error)) {
        this.tell(error);
      }
    }
  }

  restore(picture: ReadonlyJSONObject): void {
    this.contents.restore(picture);
  }

  /** What cannot be shown says why, and tries again where that may help. */
  tell(error: unknown): void {
    this.contents.clear();
    const state = this.known();
    this.contents.tell(noticeOf(error, this.ways(error, state)));
    if (error instanceof Refused && error.passes) {
      this.again = window.setTimeout(() => void this.show(state), TRY_AGAIN_MILLISECONDS);
    }
  }

  dispose(): void {
    this.turn += 1;
    window.clearTimeout(this.again);
    this.around.group.leave(this);
    this.follower.dispose();
    this.contents.clear();
  }

  private async enter(node: Node, turn: number): Promise<void> {
    const tabs = tabsOf(node);
    const state = this.wanted ?? { path: node.path };
    const tab = state.tab && tabs.includes(state.tab) ? state.tab : tabs[0];
    this.node = node;
    this.wanted = { ...state, tab };
    this.toolbar.show({ node, tabs, tab, parts: partsOf(node.type), state: this.wanted });
    await this.contents.fill(tab, this.file, node, this.wanted, () => turn === this.turn);
    if (turn === this.turn) {
      this.follower.follow(node.kind === 'dataset' ? this.place() : null);
      this.link(!!this.wanted.linked);
      this.tellOf();
    }
  }

  private takeGrowth(shape: readonly number[] | null): void {
    this.grew.emit();
    if (!shape || !this.node) {
      return;
    }
    this.node = { ...this.node, shape };
    this.toolbar.tellShape(this.node);
    this.contents.grow(shape, !!this.wanted?.follow);
  }

  private link(linked: boolean): void {
    this.wanted = { ...this.known(), linked };
    if (linked) {
      this.around.group.join(this);
      this.around.group.tell(this, this.pictureState().picture ?? {});
    } else {
      this.around.group.leave(this);
    }
    this.tellOf();
  }

  private follow(follow: boolean): void {
    this.wanted = { ...this.known(), follow };
    const { node } = this;
    const axis = node && growingOf(node);
    if (follow && node?.shape && axis !== null) {
      this.contents.goToLast(axis, node.shape[axis]);
    }
    this.tellOf();
  }

  private ways(error: unknown, state: SlicerState): Way[] {
    if (error instanceof Refused && error.status === 415) {
      return this.around.openers(this.file).map(({ name, open }) => ({ label: `Open with ${name}`, act: open }));
    }
    return [{ label: 'Try again', act: () => void this.show(state) }];
  }

  private tellOf(): void {
    const state = this.state;
    if (state) {
      this.changed.emit(state);
    }
  }

  private known(): SlicerState {
    return this.state ?? { path: '/' };
  }

  /** What goes on when something else is chosen. */
  private kept(): Partial<SlicerState> {
    return this.wanted?.linked ? { linked: true } : {};
  }

  private place(): Place {
    return { file: this.file, path: this.known().path };
  }

  private pictureState(): { picture?: ReadonlyJSONObject } {
    const picture = this.contents.stateOf(this.wanted?.path);
    return picture ? { picture } : {};
  }
}
