// How often each value is there: asked for once a hand rests, and of the whole slice.

import { Signal } from './signal';
import type { PlaneRequest, PlaneSource, Statistics } from './source';

export class Counting {
  readonly came = new Signal<Statistics>();
  private asking = new AbortController();

  constructor(private readonly source: PlaneSource) {}

  /** A newer request takes the place of one that is on its way. */
  async ask({ window: _window, ...whole }: PlaneRequest): Promise<void> {
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const of = whole.domain === 'dataset' ? 'dataset' : 'slice';
    try {
      const statistics = await this.source.statistics(whole, of, signal);
      if (!signal.aborted) {
        this.came.emit(statistics);
      }
    } catch {
      // The picture is there without its histogram.
    }
  }

  dispose(): void {
    this.asking.abort();
    this.came.clear();
  }
}
