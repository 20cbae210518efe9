// Follows the session: asks the server now and then, counts on in between, and acts on what is due.

import * as words from './words.js';

const PAUSE_SECONDS = 15;
const WARNED_PAUSE_SECONDS = 5;
const SHOW_MILLISECONDS = 1000;

/**
 * `server` answers `state`, `use` and `extend`; `show` gets the seconds that are left, or null;
 * `saveAll` saves every document; `open` opens a page.
 */
export class Watch {
  constructor({ server, teller, show, saveAll, open, now = () => performance.now() / 1000 }) {
    Object.assign(this, { server, teller, show, saveAll, open, now });
    this.state = null;
    this.saves = 0;
    this.answers = true;
    this.warned = undefined;
  }

  start() {
    this.ask();
    setInterval(() => this.tick(), SHOW_MILLISECONDS);
  }

  /** Ask the server. What it said last goes on to be true while it does not answer. */
  async ask() {
    let pause = PAUSE_SECONDS;
    try {
      const state = await this.server.state();
      if (state === null) {
        return; // A server that knows of no session.
      }
      this.answers = true;
      await this.take(state);
      pause = this.pause();
    } catch (error) {
      this.answers = false;
      console.debug('@hpcbinder/lab: the session is not known at the moment:', error);
    }
    setTimeout(() => this.ask(), pause * 1000);
  }

  async take(state) {
    this.state = state;
    this.asked = this.now();
    this.tick();
    if (state.saves > this.saves) {
      this.saves = state.saves;
      await this.saveAll();
      this.teller.withdraw('time');
      this.teller.tell('save', words.aboutSaving(this.left()), this.ways());
    }
  }

  /** Often while something is about to happen, and in time for what comes next. */
  pause() {
    if (this.state.unused_stops_in !== null) {
      return WARNED_PAUSE_SECONDS;
    }
    const left = this.left();
    const next = left === null ? Infinity : left - this.state.warn_seconds + 1;
    return next > 0 ? Math.min(PAUSE_SECONDS, Math.max(1, next)) : PAUSE_SECONDS;
  }

  left() {
    return this.counted(this.state.left);
  }

  /** A number of seconds that the server gave, as it is by now. */
  counted(seconds) {
    return seconds === null ? null : Math.max(0, seconds - (this.now() - this.asked));
  }

  tick() {
    if (this.state === null) {
      return;
    }
    const left = this.left();
    this.show(left);
    if (left === 0 || this.unusedIsOver()) {
      this.end(left === 0 ? '' : 'idle');
      return;
    }
    this.teller.withdraw('end');
    this.warn(left);
    this.warnOfDisuse();
  }

  warn(left) {
    const due = left === null ? undefined : words.warningDue(left);
    if (due === this.warned) {
      return;
    }
    this.warned = due;
    this.teller.withdraw('time');
    if (due !== undefined) {
      this.teller.tell('time', words.aboutTime(left), this.ways());
    }
  }

  warnOfDisuse() {
    const seconds = this.counted(this.state.unused_stops_in);
    if (seconds === null) {
      this.teller.withdraw('disuse');
      return;
    }
    const keep = { label: 'Keep it', callback: () => this.send(() => this.server.use()) };
    this.teller.tell('disuse', words.aboutDisuse(seconds), [keep]);
  }

  /** It says so itself, or was about to stop and has gone. */
  unusedIsOver() {
    const counted = this.counted(this.state.unused_stops_in);
    return this.state.ending === 'idle' || (counted === 0 && !this.answers);
  }

  end(why) {
    for (const subject of ['time', 'save', 'disuse']) {
      this.teller.withdraw(subject);
    }
    const resume = { label: 'Resume', callback: () => this.open(this.state.page) };
    this.teller.tell('end', words.aboutTheEnd(why), this.state.page ? [resume] : []);
  }

  /** What one can do about an end that comes near. */
  ways() {
    const { extend_minutes: minutes, page } = this.state;
    const extend = {
      label: `Extend by ${minutes} minutes`,
      callback: () => this.send(() => this.server.extend()),
    };
    const servers = { label: 'Your servers', callback: () => this.open(page) };
    return [...(minutes ? [extend] : []), ...(page ? [servers] : [])];
  }

  /** Something that the owner asked for; the answer is the new state. */
  async send(request) {
    try {
      await this.take(await request());
    } catch (error) {
      this.teller.tell('refusal', error.message.slice(0, 140), []);
    }
  }
}
