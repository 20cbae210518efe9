// Follows data sets that are being written: one stream for the page, since browsers open few to one host.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { events } from './events';
import type { Place } from './source';

/** What a data set is now. */
export interface Growth {
  readonly file: string;
  readonly path: string;
  readonly shape: readonly number[] | null;
  readonly live: boolean;
  readonly verified: boolean;
  /** Seconds from its being written to its being seen; null for what was there before. */
  readonly delay: number | null;
}

/** Why it cannot be read now. */
export interface Unreadable {
  readonly file: string;
  readonly path: string;
  readonly message: string;
  readonly advice: string;
}

export interface Listener extends Place {
  grew(growth: Growth): void;
  unreadable(why: Unreadable): void;
}

const AGAIN_MILLISECONDS = 3000;

export class Live {
  private readonly settings = ServerConnection.makeSettings();
  private readonly listeners = new Set<Listener>();
  private stream: AbortController | null = null;
  private renewal = 0;

  /** Returns what ends it. */
  follow(listener: Listener): () => void {
    this.listeners.add(listener);
    this.renew();
    return () => {
      this.listeners.delete(listener);
      this.renew();
    };
  }

  /** Another stream, for whoever listens by now; several changes at once are one. */
  private renew(pause = 0): void {
    window.clearTimeout(this.renewal);
    this.renewal = window.setTimeout(() => {
      this.stream?.abort();
      this.stream = null;
      if (this.listeners.size > 0) {
        this.stream = new AbortController();
        void this.listen(this.stream.signal);
      }
    }, pause);
  }

  private async listen(signal: AbortSignal): Promise<void> {
    const query = new URLSearchParams();
    for (const { file, path } of this.listeners) {
      query.append('file', file);
      query.append('path', path);
    }
    const here = URLExt.join(this.settings.baseUrl, 'hpcbinder/slicer/growth');
    try {
      const init = { signal, headers: { Accept: 'text/event-stream' } };
      const answer = await ServerConnection.makeRequest(`${here}?${query}`, init, this.settings);
      if (answer.ok && answer.body) {
        for await (const event of events(answer.body)) {
          this.tell(event.name, JSON.parse(event.data) as Growth & Unreadable);
        }
      }
    } catch (error) {
      console.debug('@hpcbinder/lab: the stream of changes ended:', error);
    }
    if (!signal.aborted) {
      this.renew(AGAIN_MILLISECONDS);
    }
  }

  private tell(name: string, told: Growth & Unreadable): void {
    for (const listener of [...this.listeners]) {
      if (listener.file === told.file && listener.path === told.path) {
        if (name === 'unreadable') {
          listener.unreadable(told);
        } else {
          listener.grew(told);
        }
      }
    }
  }
}
