// Keeps to one data set that may be growing, and says how it stands with it.

import type { Growth, Live } from './live';
import type { Place } from './source';

export interface Told {
  /** It is another thing than before; with its shape. */
  grew(shape: readonly number[] | null): void;
  /** For the bar: whether it is being written, how late it is seen, whether that can be trusted. */
  tell(words: string, doubtful: boolean): void;
}

export class Follower {
  private end: (() => void) | null = null;

  constructor(
    private readonly live: Live,
    private readonly told: Told
  ) {}

  follow(place: Place | null): void {
    this.dispose();
    if (!place) {
      return;
    }
    let known = false;
    this.end = this.live.follow({
      ...place,
      grew: (growth) => {
        this.told.tell(wordsOf(growth), !growth.verified);
        // What is there in the beginning has been shown already.
        if (known) {
          this.told.grew(growth.shape);
        }
        known = true;
      },
      unreadable: ({ message }) => this.told.tell(`${message} Trying again.`, true),
    });
  }

  dispose(): void {
    this.end?.();
    this.end = null;
    this.told.tell('', false);
  }
}

function wordsOf({ live, verified, delay }: Growth): string {
  const late = delay === null ? '' : `, seen ${delay < 1 ? `${Math.round(delay * 1000)} ms` : `${delay.toFixed(1)} s`} after it was written`;
  if (live) {
    return `being written${late}`;
  }
  return verified ? (late ? `up to date${late}` : '') : `unverified while written${late}`;
}
