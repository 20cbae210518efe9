// An array in memory as a source: what a server sends, with every request written down.

class Memory {
  constructor(shape, valueAt, options = {}) {
    this.shape = shape;
    this.valueAt = valueAt;
    this.axes = options.axes ?? shape.map(() => ({ name: '', unit: '', values: null }));
    this.label = options.label ?? '';
    this.delay = options.delay ?? 0;
    this.age = options.age;
    this.growing = options.growing ?? null;
    this.asked = [];
    this.aborted = 0;
  }

  /** The values of a request's window, as rows of numbers. */
  cut(request, step = request.step ?? 1) {
    const rows = request.rows === null ? 1 : this.shape[request.rows];
    const columns = this.shape[request.columns];
    const [r0, r1, c0, c1] = request.window ?? [0, rows, 0, columns];
    const window = [r0, Math.min(r1, rows), c0, Math.min(c1, columns)];
    const at = [...request.at];
    const values = [];
    for (let r = window[0]; r < window[1]; r += step) {
      for (let c = window[2]; c < window[3]; c += step) {
        if (request.rows !== null) at[request.rows] = r;
        at[request.columns] = c;
        values.push(this.valueAt(at));
      }
    }
    const shape = [Math.ceil((window[1] - window[0]) / step), Math.ceil((window[3] - window[2]) / step)];
    return { values: Float64Array.from(values), shape, window, step };
  }

  async plane(request, signal) {
    this.asked.push(request);
    await this.wait(signal);
    let step = request.step ?? 1;
    const [r0, r1, c0, c1] = request.window ?? [0, this.shape[request.rows] ?? 1, 0, this.shape[request.columns]];
    const bytes = () => (((r1 - r0) * (c1 - c0)) / step ** 2) * ((request.bits || 64) / 8);
    while (request.limit && bytes() > request.limit) step++;
    const { values, shape, window } = this.cut(request, step);
    const finite = values.filter(Number.isFinite);
    const range = finite.length ? extent(finite) : null;
    const domain = this.domainOf(request, finite, range ?? [0, 1]);
    const header = {
      shape, window, step, scale: request.scale, domain, filter: 'none', codec: 'none', exact: step === 1,
      range, finite: finite.length, verified: true, etag: '"1"', threshold: 1,
      codes: request.bits !== 0, type: { 0: 'f8', 8: 'u1', 16: 'u2' }[request.bits],
    };
    const codes = request.bits ? encoded(values, header) : values;
    return { header, codes, bytes: codes.byteLength };
  }

  domainOf(request, finite, range) {
    const { domain } = request;
    if (Array.isArray(domain)) return domain;
    if (domain === 'dataset') return this.range ?? [0, 1];
    if (domain === 'slice') return range;
    const sorted = [...finite].sort((a, b) => a - b);
    return domain.percentiles.map((p) => sorted[Math.round((p / 100) * (sorted.length - 1))]);
  }

  async exact(request, signal) {
    await this.wait(signal);
    this.exactly = (this.exactly ?? 0) + 1;
    return this.cut(request).values;
  }

  async statistics(request, of, signal) {
    await this.wait(signal);
    const large = this.shape[request.rows] * this.shape[request.columns] > 1e6;
    const all = [...this.cut(request, large ? 20 : 1).values];
    const values = all.filter(Number.isFinite);
    const [min, max] = values.length ? extent(values) : [0, 1];
    const counts = Array(64).fill(0);
    for (const value of values) counts[Math.min(63, Math.floor(((value - min) / (max - min || 1)) * 64))]++;
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return { min, max, mean, finite: values.length, nan: all.length - values.length, histogram: { low: min, high: max, counts }, estimate: of === 'dataset' };
  }

  async profile(request, [from, to], signal) {
    await this.wait(signal);
    const count = Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])) + 1;
    const at = [...request.at];
    return Float64Array.from({ length: count }, (_, i) => {
      const share = i / Math.max(1, count - 1);
      at[request.rows] = Math.round(from[0] + (to[0] - from[0]) * share);
      at[request.columns] = Math.round(from[1] + (to[1] - from[1]) * share);
      return this.valueAt(at);
    });
  }

  async envelope(request, buckets, signal) {
    this.enveloped = [...(this.enveloped ?? []), { request, buckets }];
    await this.wait(signal);
    const { values, window } = this.cut({ ...request, step: 1 });
    const bucket = Math.ceil(values.length / buckets);
    const count = Math.ceil(values.length / bucket);
    const codes = new Float64Array(2 * count);
    for (let i = 0; i < count; i++) {
      const there = values.subarray(i * bucket, (i + 1) * bucket).filter((value) => !Number.isNaN(value));
      [codes[i], codes[count + i]] = there.length ? extent(there) : [NaN, NaN];
    }
    const finite = values.filter(Number.isFinite);
    const range = finite.length ? extent(finite) : null;
    const header = {
      shape: [2, count], type: 'f8', codes: false, scale: 'linear', domain: range ?? [0, 1], filter: 'none', codec: 'none',
      window, step: 1, bucket, count: values.length, exact: true, range, finite: finite.length, verified: true, etag: '"1"',
    };
    return { header, codes, bytes: codes.byteLength };
  }

  /** The corners of each slice are its sample. */
  async course(axis, indices, signal) {
    this.coursed = [...(this.coursed ?? []), [...indices]];
    await this.wait(signal);
    const points = indices.map((index) => {
      const corners = [() => 0, (size) => size - 1, (size, i) => (i % 2 ? size - 1 : 0), (size, i) => (i % 2 ? 0 : size - 1)];
      const places = corners.map((corner) => this.shape.map((size, i) => (i === axis ? index : corner(size, i))));
      const values = places.map((at) => this.valueAt(at)).filter(Number.isFinite);
      const [low, high] = values.length ? extent(values) : [null, null];
      return { index, low, high, mean: values.length ? values.reduce((a, b) => a + b, 0) / values.length : null };
    });
    return { points, seen: 0.25, age: this.age ?? 7200 };
  }

  wait(signal) {
    return new Promise((done, failed) => {
      const abort = () => {
        this.aborted++;
        failed(new DOMException('superseded', 'AbortError'));
      };
      if (signal.aborted) return abort();
      const timer = setTimeout(done, this.delay);
      signal.addEventListener('abort', () => (clearTimeout(timer), abort()), { once: true });
    });
  }
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

function encoded(values, header) {
  const { forward } = views('scales');
  const largest = header.type === 'u2' ? 65535 : 255;
  const place = (value) => forward(header.scale, value, header.threshold);
  let [low, high] = header.domain;
  if (header.scale === 'log' && low <= 0) low = extent(values.filter((value) => value > 0))[0];
  header.domain = [low, high];
  const codes = Array.from(values, (value) => {
    const at = (place(value) - place(low)) / (place(high) - place(low) || 1);
    return Number.isNaN(at) ? 0 : 1 + Math.round(Math.max(0, Math.min(at, 1)) * (largest - 1));
  });
  return header.type === 'u2' ? Uint16Array.from(codes) : Uint8Array.from(codes);
}

window.Memory = Memory;
