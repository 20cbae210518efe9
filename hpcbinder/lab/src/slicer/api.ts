// The client of the slicer's API. Nothing is asked twice at once, and what nobody waits for is dropped.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Attributes, Axes, Children, Found, Node, Root, Values } from './answers';

export type Arguments = Readonly<Record<string, string | number | undefined>>;

const HERE = 'hpcbinder/slicer';
const PAGE = 500;

/** What the server refused, and what to do. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly advice: string,
    readonly reason: string
  ) {
    super(message);
  }

  /** It may be otherwise in a moment. */
  get passes(): boolean {
    return [423, 429, 503, 504].includes(this.status) || this.status >= 520;
  }
}

/** A newer request took its place: nothing to tell anybody. */
export function isSuperseded(error: unknown): boolean {
  return (
    (error instanceof DOMException && error.name === 'AbortError') ||
    (error instanceof Refused && error.reason === 'superseded')
  );
}

export class Api {
  private readonly settings = ServerConnection.makeSettings();

  /** Whether this server has the slicer at all. */
  async isThere(): Promise<boolean> {
    try {
      await this.ask('openapi.json', {});
      return true;
    } catch {
      return false;
    }
  }

  /** Also starts the process that reads, so that the first picture need not wait for it. */
  async warmUp(): Promise<void> {
    await this.json('limits', {});
  }

  /** The folders that files may lie in; the first is the server's own. */
  async roots(): Promise<readonly Root[]> {
    return (await this.json<{ roots: readonly Root[] }>('roots', {})).roots;
  }

  url(operation: string, given: Arguments): string {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(given)) {
      if (value !== undefined && value !== '') {
        query.set(name, String(value));
      }
    }
    return `${URLExt.join(this.settings.baseUrl, HERE, operation)}?${query.toString()}`;
  }

  async ask(operation: string, given: Arguments, signal?: AbortSignal): Promise<Response> {
    const init = signal ? { signal } : {};
    const url = this.url(operation, given);
    const answer = await ServerConnection.makeRequest(url, init, this.settings);
    if (!answer.ok) {
      throw await refusal(answer);
    }
    return answer;
  }

  async json<T>(operation: string, given: Arguments, signal?: AbortSignal): Promise<T> {
    return (await (await this.ask(operation, given, signal)).json()) as T;
  }

  node(file: string, path: string): Promise<Node> {
    return this.json('node', { file, path });
  }

  children(file: string, path: string, offset: number): Promise<Children> {
    return this.json('children', { file, path, offset, limit: PAGE });
  }

  attributes(file: string, path: string): Promise<Attributes> {
    return this.json('attributes', { file, path });
  }

  search(file: string, text: string, signal: AbortSignal): Promise<Found> {
    return this.json('search', { file, path: '/', text }, signal);
  }

  axes(file: string, path: string): Promise<Axes> {
    return this.json('axes', { file, path });
  }

  /** `key` as NumPy has it: "3,0:100,5". Empty: all. */
  values(file: string, path: string, key: string, signal?: AbortSignal): Promise<Values> {
    return this.json('values', { file, path, key }, signal);
  }
}

async function refusal(answer: Response): Promise<Refused> {
  const text = await answer.text();
  try {
    const said = JSON.parse(text) as { message?: string; advice?: string; reason?: string };
    const message = said.message || answer.statusText;
    return new Refused(answer.status, message, said.advice ?? '', said.reason ?? '');
  } catch {
    return new Refused(answer.status, `The server answered ${answer.status}.`, '', '');
  }
}
