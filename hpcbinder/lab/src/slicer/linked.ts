// Panels that go together in slice, zoom and colours.

import type { ReadonlyJSONObject } from '@lumino/coreutils';

export interface Member {
  /** Only what has as many axes can show the same slice. */
  readonly rank: number;
  restore(picture: ReadonlyJSONObject): void;
}

export class LinkedGroup {
  private readonly members = new Set<Member>();
  private telling = false;

  join(member: Member): void {
    this.members.add(member);
  }

  leave(member: Member): void {
    this.members.delete(member);
  }

  /** What a view restores, it tells of as well: that goes no further. */
  tell(from: Member, picture: ReadonlyJSONObject): void {
    if (this.telling || !this.members.has(from)) {
      return;
    }
    this.telling = true;
    try {
      for (const member of this.members) {
        if (member !== from && member.rank === from.rank) {
          member.restore(picture);
        }
      }
    } finally {
      this.telling = false;
    }
  }
}
