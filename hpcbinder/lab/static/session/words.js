// What is said of a session: pure functions of what the server tells.

export const WARNINGS = [5 * 60, 15 * 60];

/** A time as one says it: "1 h 12 min", "9 min", "40 s". */
export function duration(seconds) {
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
export function warningDue(left) {
  return WARNINGS.find((seconds) => left <= seconds);
}

/** How pressing it is: the class of the status bar's item. */
export function urgency(left) {
  return { [WARNINGS[0]]: 'urgent', [WARNINGS[1]]: 'soon' }[warningDue(left)] ?? 'calm';
}

export function aboutTime(left) {
  return (
    `This server ends in ${inMinutes(left)}. ` +
    'Save your work; you can resume in the same workspace from the hub.'
  );
}

export function aboutSaving(left) {
  const when = left === null ? 'soon' : `in ${inMinutes(left)}`;
  return `This server ends ${when}. All open documents were saved.`;
}

export function aboutDisuse(seconds) {
  return `This server will stop in ${inMinutes(seconds)} because nothing runs in it.`;
}

export function aboutTheEnd(ending) {
  const why = ending === 'idle' ? 'Nothing ran in this server, so it stopped.' : 'The time of this server is over.';
  return `${why} You can resume in the same workspace from the hub.`;
}

function inMinutes(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes === 0) {
    return 'less than a minute';
  }
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}
