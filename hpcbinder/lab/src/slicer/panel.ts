// One file: its tree, and beside it what was chosen there.

import { UUID } from '@lumino/coreutils';
import { SplitPanel, Widget } from '@lumino/widgets';

import type { Api } from './api';
import type { LinkedGroup } from './linked';
import type { Live } from './live';
import type { Entry } from './menu';
import { noticeOf } from './notice';
import { Stage } from './stage';
import type { SlicerState } from './state';
import { Tree } from './tree';
import { make } from './view/dom';
import { Signal } from './view/signal';
import { addStyle } from './view/style';

/** What all panels of a page share. */
export interface Around {
  readonly api: Api;
  readonly live: Live;
  readonly group: LinkedGroup;
  /** What else of this JupyterLab can open the file. */
  openers(file: string): readonly Opener[];
  /** What can be done with what is shown: for the menu. */
  actions(stage: Stage): readonly Entry[];
}

export interface Opener {
  readonly name: string;
  open(): void;
}

const TREE_SHARE = 0.26;
const FIRST: SlicerState = { path: '/' };

export class SlicerPanel extends SplitPanel {
  readonly changed = new Signal<SlicerState>();
  readonly stage: Stage;
  private tree: Tree;
  private readonly side = new Widget();
  private begun = false;
  private prepared = FIRST;

  /** By which a restored workspace knows it: two panels may show one file. */
  key = UUID.uuid4();

  constructor(
    private path: string,
    private readonly around: Around
  ) {
    super({ orientation: 'horizontal', spacing: 1 });
    addStyle();
    this.addClass('hps-panel');
    this.stage = new Stage(this.file, around);
    this.tree = this.planted();
    this.side.addClass('hps-side');
    const main = new Widget({ node: this.stage.element });
    this.addWidget(this.side);
    this.addWidget(main);
    this.setRelativeSizes([TREE_SHARE, 1 - TREE_SHARE]);
    this.stage.changed.connect((state) => this.changed.emit(state));
    this.stage.treeWanted.connect(() => this.showTree(this.side.isHidden));
    this.stage.grew.connect(() => void this.tree.refresh());
  }

  /** As the slicer's server names it. */
  get file(): string {
    return this.path;
  }

  get name(): string {
    return this.path.split('/').pop() ?? this.path;
  }

  get state(): SlicerState {
    return this.stage.state ?? this.prepared;
  }

  /** The file has another name now. */
  move(path: string): void {
    this.path = path;
    this.stage.move(this.file);
    this.tree = this.planted();
    void this.begin(this.state);
  }

  showTree(shown: boolean): void {
    this.side.setHidden(!shown);
  }

  /** What to show when it is first looked at. */
  prepare(state: SlicerState | null, key: string | null): void {
    this.key = key ?? this.key;
    if (this.begun) {
      void this.begin(state ?? FIRST);
    } else {
      this.prepared = state ?? FIRST;
    }
  }

  /** Show what a link or a restored workspace says, or the file's root. */
  async begin(state: SlicerState): Promise<void> {
    this.begun = true;
    try {
      // The one need not wait for the other.
      await Promise.all([this.tree.reveal(state.path), this.stage.show(state)]);
    } catch (error) {
      this.stage.tell(error);
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.stage.dispose();
      super.dispose();
    }
  }

  protected override onAfterShow(): void {
    if (!this.begun) {
      void this.begin(this.prepared);
    }
  }

  protected override onAfterAttach(): void {
    if (!this.begun && this.isVisible) {
      void this.begin(this.prepared);
    }
  }

  protected override onActivateRequest(): void {
    this.tree.focus();
  }

  private planted(): Tree {
    const tree = new Tree(this.around.api, this.file, this.name);
    tree.chosen.connect((item) => void this.stage.show({ path: item.path }));
    const told = make('div', {});
    // What is wrong with the whole file is said beside the tree.
    tree.failed.connect((error) => told.replaceChildren(...(tree.isEmpty ? [] : [noticeOf(error, [])])));
    this.side.node.replaceChildren(tree.element, told);
    return tree;
  }
}
