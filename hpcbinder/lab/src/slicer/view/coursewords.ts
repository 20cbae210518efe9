// What is said of a course of slices, or iterations.

import { words } from './scales';
import type { CoursePoint } from './source';

/** What came longer ago is no news. */
const NEWS_SECONDS = 3600;

export interface AboutCourse {
  /** The axis'. */
  readonly name: string;
  /** More of them may come. */
  readonly growing: boolean;
  readonly size: number;
  /** Every how many-th of them has a point. */
  readonly every: number;
  /** The share of each slice that was looked at; 0 while nothing was. */
  readonly seen: number;
  /** When the last one came, or the file was changed, as `Date.now()` has it. */
  readonly latest: number | null;
  /** It is known when the last one came. */
  readonly grew: boolean;
}

/** How many there are and since when, and what the line is of. */
export function stateWords(about: AboutCourse): string[] {
  const { every, seen } = about;
  const of = `range and mean${every > 1 ? ` of every ${every}.` : ''}`;
  const sampled = seen < 1 ? `, sampled (${shareWords(seen)})` : '';
  return [countWords(about), seen === 0 ? '' : of + sampled];
}

export function pointWords(name: string, { index, low, high, mean }: CoursePoint): string[] {
  if (low === null || high === null || mean === null) {
    return [`${name} ${index}`, 'no numbers'];
  }
  const range = low === high ? words(low, 4) : `${words(low, 4)} to ${words(high, 4)}`;
  return [`${name} ${index}: ${range}`, low === high ? '' : `mean ${words(mean, 4)}`];
}

/** For those who do not see it. */
export function inWords(about: AboutCourse, points: readonly CoursePoint[]): string {
  const means = points.flatMap(({ mean }) => mean ?? []);
  const [first, last] = [means[0], means[means.length - 1]];
  if (first === undefined || last === undefined) {
    return `${countWords(about)}.`;
  }
  const lows = points.flatMap(({ low }) => low ?? []);
  const highs = points.flatMap(({ high }) => high ?? []);
  const range = `values from ${words(Math.min(...lows), 4)} to ${words(Math.max(...highs), 4)}`;
  const sampled = about.seen < 1 ? ', of a sample of each' : '';
  return `${countWords(about)}. Means go from ${words(first, 4)} to ${words(last, 4)}, ${range}${sampled}.`;
}

function countWords({ name, growing, size, latest, grew }: AboutCourse): string {
  const plural = size === 1 ? '' : 's';
  const many = name === 'iteration' ? `${size} iteration${plural}` : `${size} slice${plural} along ${name}`;
  const ago = growing && latest !== null ? agoWords((Date.now() - latest) / 1000) : '';
  return ago ? `${many}, ${grew ? 'the last' : 'written'} ${ago}` : many;
}

function agoWords(seconds: number): string {
  if (seconds >= NEWS_SECONDS) {
    return '';
  }
  return seconds < 60 ? `${Math.max(0, Math.round(seconds))} s ago` : `${Math.floor(seconds / 60)} min ago`;
}

function shareWords(share: number): string {
  const percent = 100 * share;
  return percent >= 10 ? `${Math.round(percent)} %` : `${Number(percent.toPrecision(1))} %`;
}
