// How many bytes a second come, told from what answers took: the time that each takes anyway is not counted.

interface Answer {
  readonly bytes: number;
  readonly seconds: number;
}

const REMEMBERED = 24;
/** So many tell something; a line that has changed is told after as many. */
const FEW = 4;
/** Of a line of which nothing is known: 10 Mbit/s, which at 60 pictures a second are 20.8 kB for each. */
const FIRST = 1.25e6;
const PICTURES = 60;
const LEAST_BYTES = 4096;
const SOON_SECONDS = 0.1;

export class Bandwidth {
  private readonly answers: Answer[] = [];
  private known = FIRST;
  /** What an answer takes, however small it is. */
  private waiting = 0;

  heard(bytes: number, seconds: number): void {
    this.answers.push({ bytes, seconds });
    if (this.answers.length > REMEMBERED) {
      this.answers.shift();
    }
    const smallest = Math.min(...this.answers.map((one) => one.bytes));
    const large = this.answers.filter((one) => one.bytes > 4 * smallest);
    if (large.length) {
      this.waiting = Math.min(...this.answers.filter((one) => one.bytes <= 2 * smallest).map((one) => one.seconds));
      this.known = this.rateOf(large.slice(-2 * FEW));
    } else if (this.answers.length < FEW) {
      this.known = this.rateOf(this.answers);
    } else if (this.answers.slice(-FEW).every((one) => one.seconds > 2 * this.expected(one))) {
      // All are as large as they may be. Smaller ones tell whether it is the line that is slow.
      this.known /= 2;
    } else if (this.known < FIRST && this.answers.slice(-FEW).every(({ seconds }) => seconds < SOON_SECONDS)) {
      // Small ones say little of the line: larger ones tell whether it is better than that.
      this.known *= 1.5;
    }
  }

  /** An answer of so many bytes was given up: what is known is of a faster line. */
  missed(bytes: number, seconds: number): void {
    this.answers.length = 0;
    this.known = Math.min(this.known, bytes / seconds);
  }

  /** Bytes that come in a picture's time. */
  get perPicture(): number {
    return Math.max(LEAST_BYTES, Math.round(this.known / PICTURES));
  }

  private expected({ bytes }: Answer): number {
    return this.waiting + bytes / this.known;
  }

  private rateOf(answers: readonly Answer[]): number {
    const rates = answers.map(({ bytes, seconds }) => bytes / Math.max(1e-3, seconds - this.waiting));
    rates.sort((a, b) => a - b);
    return rates[Math.floor(rates.length / 2)] ?? this.known;
  }
}
