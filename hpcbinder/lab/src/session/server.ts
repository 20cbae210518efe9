// The part of the Jupyter server that knows the session.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** What the server tells of its session; times in seconds. */
export interface State {
  left: number | null;
  warn_seconds: number;
  saves: number;
  unused_stops_in: number | null;
  ending: string;
  extend_minutes: number;
  page: string;
}

export interface Server {
  /** Null from a server that knows of no session. */
  state(): Promise<State | null>;
  use(): Promise<State | null>;
  extend(): Promise<State | null>;
}

export function serverOf(): Server {
  const settings = ServerConnection.makeSettings();

  async function ask(method: string, ...path: string[]): Promise<State | null> {
    const url = URLExt.join(settings.baseUrl, 'hpcbinder/api/session', ...path);
    const answer = await ServerConnection.makeRequest(url, { method }, settings);
    if (answer.status === 404) {
      return null;
    }
    const found: unknown = await answer.json();
    if (!answer.ok) {
      throw new Error((found as { message: string }).message);
    }
    return found as State;
  }

  return {
    state: () => ask('GET'),
    use: () => ask('POST', 'use'),
    extend: () => ask('POST', 'extension'),
  };
}
