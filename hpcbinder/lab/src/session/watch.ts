// Follows the session: asks the server now and then, counts on in between, and acts on what is due.

import type { Server, State } from './server';
import type { Action, Teller } from './teller';
import * as words from './words';

const PAUSE_SECONDS = 15;
const WARNED_PAUSE_SECONDS = 5;
const SHOW_MILLISECONDS = 1000;

/** What a watch acts on. */
export interface Surroundings {
  server: Server;
  teller: Teller;
  /** Gets the seconds that are left, or null. */
  show: (left: number | null) => void;
  /** Saves every document. */
  saveAll: () => Promise<unknown>;
  /** Opens a page. */
  open: (page: string) => void;
}

/** The last answer, and when it came. */
interface Known {
  state: State;
  asked: number;
}

export class Watch {
  private known: Known | null = null;
  private saves = 0;
  private answers = true;
  private warned: number | undefined = undefined;

  constructor(private readonly around: Surroundings) {}

  start(): void {
    void this.ask();
    setInterval(() => this.tick(), SHOW_MILLISECONDS);
  }

  /** Ask the server. What it said last goes on to be true while it does not answer. */
  private async ask(): Promise<void> {
    let pause = PAUSE_SECONDS;
    try {
      const state = await this.around.server.state();
      if (state === null) {
        return; // A server that knows of no session.
      }
      this.answers = true;
      pause = this.pause(await this.take(state));
    } catch (error) {
      this.answers = false;
      console.debug('@hpcbinder/lab: the session is not known at the moment:', error);
    }
    setTimeout(() => void this.ask(), pause * 1000);
  }

  private async take(state: State): Promise<Known> {
    const known = { state, asked: now() };
    this.known = known;
    this.tick();
    if (state.saves > this.saves) {
      this.saves = state.saves;
      await this.around.saveAll();
      this.around.teller.withdraw('time');
      const saved = words.aboutSaving(counted(known, state.left));
      this.around.teller.tell('save', saved, this.ways(state));
    }
    return known;
  }

  /** Often while something is about to happen, and in time for what comes next. */
  private pause(known: Known): number {
    if (known.state.unused_stops_in !== null) {
      return WARNED_PAUSE_SECONDS;
    }
    const left = counted(known, known.state.left);
    const next = left === null ? Infinity : left - known.state.warn_seconds + 1;
    return next > 0 ? Math.min(PAUSE_SECONDS, Math.max(1, next)) : PAUSE_SECONDS;
  }

  private tick(): void {
    if (this.known === null) {
      return;
    }
    const left = counted(this.known, this.known.state.left);
    this.around.show(left);
    if (left === 0 || this.unusedIsOver(this.known)) {
      this.end(this.known.state, left === 0 ? '' : 'idle');
      return;
    }
    this.around.teller.withdraw('end');
    this.warn(this.known.state, left);
    this.warnOfDisuse(this.known);
  }

  private warn(state: State, left: number | null): void {
    const due = left === null ? undefined : words.warningDue(left);
    if (due === this.warned) {
      return;
    }
    this.warned = due;
    this.around.teller.withdraw('time');
    if (due !== undefined && left !== null) {
      this.around.teller.tell('time', words.aboutTime(left), this.ways(state));
    }
  }

  private warnOfDisuse(known: Known): void {
    const seconds = counted(known, known.state.unused_stops_in);
    if (seconds === null) {
      this.around.teller.withdraw('disuse');
      return;
    }
    const use = () => void this.send(() => this.around.server.use());
    const keep = { label: 'Keep it', callback: use };
    this.around.teller.tell('disuse', words.aboutDisuse(seconds), [keep]);
  }

  /** It says so itself, or was about to stop and has gone. */
  private unusedIsOver(known: Known): boolean {
    const left = counted(known, known.state.unused_stops_in);
    return known.state.ending === 'idle' || (left === 0 && !this.answers);
  }

  private end(state: State, why: string): void {
    for (const subject of ['time', 'save', 'disuse']) {
      this.around.teller.withdraw(subject);
    }
    const resume = { label: 'Resume', callback: () => this.around.open(state.page) };
    this.around.teller.tell('end', words.aboutTheEnd(why), state.page ? [resume] : []);
  }

  /** What one can do about an end that comes near. */
  private ways(state: State): Action[] {
    const { extend_minutes: minutes, page } = state;
    const extend = {
      label: `Extend by ${minutes} minutes`,
      callback: () => void this.send(() => this.around.server.extend()),
    };
    const servers = { label: 'Your servers', callback: () => this.around.open(page) };
    return [...(minutes ? [extend] : []), ...(page ? [servers] : [])];
  }

  /** Something that the owner asked for; the answer is the new state. */
  private async send(request: () => Promise<State | null>): Promise<void> {
    try {
      const state = await request();
      if (state !== null) {
        await this.take(state);
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.around.teller.tell('refusal', message.slice(0, 140), []);
    }
  }
}

/** A number of seconds that the server gave, as it is by now. */
function counted(known: Known, seconds: number | null): number | null {
  return seconds === null ? null : Math.max(0, seconds - (now() - known.asked));
}

function now(): number {
  return performance.now() / 1000;
}
