// What is said of a session: pure functions of what the server tells.

const SOON = 15 * 60;
const URGENT = 5 * 60;

/** A time as one says it: "1 h 12 min", "9 min", "40 s". */
export function duration(seconds: number): string {
  if (seconds < 60) {
    return `${Math.max(0, Math.floor(seconds))} s`;
  }
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) {
    return `${minutes} min`;
  }
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** The nearest warning that is due with so many seconds left; undefined if none is. */
export function warningDue(left: number): number | undefined {
  return [URGENT, SOON].find((seconds) => left <= seconds);
}

/** How pressing it is, which the status bar's item shows. */
export function urgency(left: number): 'calm' | 'soon' | 'urgent' {
  const due = warningDue(left);
  if (due === undefined) {
    return 'calm';
  }
  return due === URGENT ? 'urgent' : 'soon';
}

export function aboutTime(left: number): string {
  return (
    `This server ends in ${inMinutes(left)}. ` +
    'Save your work; you can resume in the same workspace from the hub.'
  );
}

export function aboutSaving(left: number | null): string {
  const when = left === null ? 'soon' : `in ${inMinutes(left)}`;
  return `This server ends ${when}. All open documents were saved.`;
}

export function aboutDisuse(seconds: number): string {
  return `This server will stop in ${inMinutes(seconds)} because nothing runs in it.`;
}

const WHYS: Record<string, string> = {
  idle: 'Nothing ran in this server, so it stopped.',
  run: 'The notebook that this server ran has ended.',
};

export function aboutTheEnd(ending: string): string {
  const why = WHYS[ending] ?? 'The time of this server is over.';
  return `${why} You can resume in the same workspace from the hub.`;
}

function inMinutes(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes === 0) {
    return 'less than a minute';
  }
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}
