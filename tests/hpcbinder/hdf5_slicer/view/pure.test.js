// The parts that need no page, run by Node's own test runner on what TypeScript made of them.

const assert = require('node:assert');
const { test } = require('node:test');
const { deflateSync } = require('node:zlib');
const { join } = require('node:path');

const view = (name) => require(join(process.env.VIEW, name));
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9 * Math.max(1, Math.abs(b)), `${a} is not ${b}`);

function message(header, payload) {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const whole = Buffer.concat([Buffer.from('HPS1'), length, text, payload]);
  return whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.length);
}

test('rows that were sent as differences are rows again', async () => {
  const header = { shape: [3, 2], type: 'u1', codes: true, filter: 'up', codec: 'deflate' };
  const plane = await view('wire').decodePlane(message(header, deflateSync(Buffer.from([250, 1, 10, 2, 0, 255]))));
  assert.deepStrictEqual([...plane.codes], [250, 1, 4, 3, 4, 2]);
});

test('bytes that were sent apart are numbers again, of every size', async () => {
  for (const [type, make] of [['u2', Uint16Array], ['f4', Float32Array], ['f8', Float64Array]]) {
    const values = make.from([1, 2.5, 700, 65000, 3, 4]);
    const bytes = new Uint8Array(values.buffer);
    const size = make.BYTES_PER_ELEMENT;
    const packed = [];
    for (let byte = 0; byte < size; byte++) {
      for (let i = 0; i < 6; i++) packed.push((bytes[i * size + byte] - (i < 2 ? 0 : bytes[(i - 2) * size + byte])) & 255);
    }
    const header = { shape: [3, 2], type, codes: type === 'u2', filter: 'planes', codec: 'none' };
    const plane = await view('wire').decodePlane(message(header, Buffer.from(packed)));
    assert.deepStrictEqual([...plane.codes], [...values]);
  }
});

test('an answer that is no plane, or half of one, is said to be so', async () => {
  const { decodePlane } = view('wire');
  await assert.rejects(decodePlane(new TextEncoder().encode('<!doctype html>').buffer), /not a plane/);
  const header = { shape: [3, 2], type: 'u1', filter: 'none', codec: 'none' };
  await assert.rejects(decodePlane(message(header, Buffer.from([1, 2]))), /cut off/);
});

test('scales go there and back, and a logarithm has no zero', () => {
  const { forward, inverse, fraction, usable } = view('scales');
  for (const scale of ['linear', 'log', 'symlog']) near(inverse(scale, forward(scale, 42.5, 3), 3), 42.5);
  near(inverse('symlog', forward('symlog', -7, 2), 2), -7);
  assert.ok(Number.isNaN(forward('log', 0)));
  near(fraction('log', { low: 1, high: 100 }, 10), 0.5);
  assert.ok(usable('log', { low: -1, high: 10 }).low > 0);
});

test('ticks are round, within the axis, and as exact as they must be', () => {
  const { linearTicks, scaleTicks } = view('ticks');
  assert.deepStrictEqual(linearTicks(0, 1, 5).map(({ text }) => text), ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']);
  assert.deepStrictEqual(linearTicks(-30, 30, 4).map(({ text }) => text), ['−20', '0', '20']);
  assert.deepStrictEqual(scaleTicks('log', { low: 0.01, high: 1000 }, 6).map(({ value }) => value), [0.01, 0.1, 1, 10, 100, 1000]);
  assert.deepStrictEqual(linearTicks(3, 3, 5).length, 1);
});

test('what lies below the pointer stays there, and nothing goes out of sight', () => {
  const { Viewport } = view('viewport');
  const port = new Viewport(100, 200, 1);
  port.resize(400, 400);
  const [row, column] = port.toData(100, 150);
  port.zoom(3, 100, 150);
  const after = port.toData(100, 150);
  near(after[0], row);
  near(after[1], column);
  near((port.rect.row1 - port.rect.row0) / (port.rect.column1 - port.rect.column0), 1);
  port.pan(1e6, 0);
  near(port.rect.column0, 0);
  port.zoom(1e-6, 0, 0);
  assert.ok(port.isWhole);
  port.flipped = true;
  assert.ok(port.toScreen(0, 0).y > port.toScreen(99, 0).y);
});

test('colour tables begin, end and turn round as their maps do', () => {
  const { colourTable, MAPS } = view('colormaps');
  for (const map of MAPS) {
    const [table, turned] = [colourTable(map, false), colourTable(map, true)];
    assert.strictEqual(table.length, 1024);
    assert.deepStrictEqual([...table.subarray(0, 4)], [...turned.subarray(1020)]);
  }
  assert.deepStrictEqual([...colourTable('gray', false).subarray(4 * 51, 4 * 52)], [51, 51, 51, 255]);
});

test('a slow line is known as slow, however long answers take to begin', () => {
  const { Bandwidth } = view('bandwidth');
  const line = new Bandwidth();
  for (const bytes of [2e3, 3e5, 2e4, 2e5, 2e3, 4e5]) line.heard(bytes, 0.08 + bytes / 1.25e6);
  assert.ok(Math.abs(line.perPicture - 20833) < 2500, String(line.perPicture));
  for (let i = 0; i < 30; i++) line.heard(2e4, 0.08 + 2e4 / 1.25e6);
  assert.ok(line.perPicture > 15000, String(line.perPicture));
});

test('a line that has become slow is known after a few pictures', () => {
  const { Bandwidth } = view('bandwidth');
  for (const waits of [0.002, 0.04]) {
    const line = new Bandwidth();
    const pictures = (count, rate) => {
      for (let i = 0; i < count; i++) {
        const bytes = Math.min(line.perPicture, 250e3);
        line.heard(bytes, waits + bytes / rate);
      }
    };
    // While it was fast, all pictures came as large as they are.
    line.heard(500e3, waits + 500e3 / 1e8);
    pictures(40, 1e8);
    const fast = line.perPicture;
    pictures(20, 1.25e6);
    assert.ok(line.perPicture > 15e3 && line.perPicture < 30e3, `${fast} ${line.perPicture}`);
    line.heard(500e3, waits + 500e3 / 1e8);
    pictures(20, 1e8);
    assert.ok(line.perPicture > 100e3, String(line.perPicture));
  }
});

test('a picture that did not come makes the next ones smaller', () => {
  const { Bandwidth } = view('bandwidth');
  const line = new Bandwidth();
  for (const bytes of [2e4, 4e5, 2e4, 4e5]) line.heard(bytes, 0.002 + bytes / 1e8);
  assert.ok(line.perPicture > 1e6);
  line.missed(1e6, 0.4);
  assert.ok(line.perPicture < 5e4, String(line.perPicture));
  for (let i = 0; i < 20; i++) line.heard(line.perPicture, 0.002 + line.perPicture / 1.25e6);
  assert.ok(Math.abs(line.perPicture - 20833) < 8e3, String(line.perPicture));
});

test('a line that stood still for a moment is as good as before soon after', () => {
  const { Bandwidth } = view('bandwidth');
  const line = new Bandwidth();
  line.missed(2e4, 5);
  assert.strictEqual(line.perPicture, 4096);
  for (let i = 0; i < 40; i++) line.heard(line.perPicture, 0.03 + line.perPicture / 1.25e6);
  assert.ok(line.perPicture > 12e3 && line.perPicture < 30e3, String(line.perPicture));
});

test('a link that does not fit the array is made to', () => {
  const { soundState } = view('slicestate');
  const state = soundState({ at: [99, -1, 'x'], rows: 7, columns: 1, map: 'nothing', domain: ['a', 1], zoom: {} }, [10, 20, 30]);
  assert.deepStrictEqual(state.at, [9, 0, 0]);
  assert.notStrictEqual(state.rows, state.columns);
  assert.strictEqual(state.map, 'viridis');
  assert.strictEqual(state.domain, 'slice');
  assert.strictEqual(state.zoom, null);
});
