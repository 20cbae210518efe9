// `application/vnd.hpcbinder.plane`: HPS1, the header's length, the header, the payload.

import type { Codes, Plane, PlaneHeader } from './source';

const MAGIC = 'HPS1';
const START = 8;

type Bytes = Uint8Array<ArrayBuffer>;

/** What a server sent, with codec and filter undone. */
export async function decodePlane(answer: ArrayBuffer): Promise<Plane> {
  const { header, payload } = split(answer);
  const packed = header.codec === 'deflate' ? await inflate(payload) : payload;
  const bytes = unfilter(packed, header);
  return { header, codes: codesOf(bytes, header), bytes: answer.byteLength };
}

export function isCoded(header: PlaneHeader): boolean {
  return header.codes ?? (header.type === 'u1' || header.type === 'u2');
}

/** How many codes stand for numbers: 0 is kept for what is none. */
export function largestCode(header: PlaneHeader): number {
  return header.type === 'u2' ? 65535 : 255;
}

function split(answer: ArrayBuffer): { header: PlaneHeader; payload: Bytes } {
  const bytes = new Uint8Array(answer);
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  if (bytes.length < START || magic !== MAGIC) {
    throw new Error('The server’s answer is not a plane.');
  }
  const length = new DataView(answer).getUint32(4, true);
  if (START + length > bytes.length) {
    throw new Error('The server’s answer was cut off.');
  }
  const text = new TextDecoder().decode(bytes.subarray(START, START + length));
  return { header: JSON.parse(text) as PlaneHeader, payload: bytes.subarray(START + length) };
}

async function inflate(payload: Bytes): Promise<Bytes> {
  const stream = new Blob([payload]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Each row was sent as its difference to the one above, byte by byte. */
export function undoUp(bytes: Uint8Array, columns: number): void {
  for (let i = columns; i < bytes.length; i++) {
    bytes[i] = (bytes[i] ?? 0) + (bytes[i - columns] ?? 0);
  }
}

function unfilter(packed: Bytes, header: PlaneHeader): Bytes {
  if (header.filter === 'none') {
    return packed;
  }
  const [rows, columns] = header.shape;
  const count = rows * columns;
  // A copy, unless it came out of the codec and nobody else has it.
  const own = header.codec === 'none' ? packed.slice() : packed;
  if (header.filter === 'up') {
    undoUp(own, columns);
    return own;
  }
  const size = itemSize(header.type);
  const whole = new Uint8Array(size * count);
  for (let byte = 0; byte < size; byte++) {
    const plane = own.subarray(byte * count, (byte + 1) * count);
    undoUp(plane, columns);
    for (let i = 0; i < count; i++) {
      whole[size * i + byte] = plane[i] ?? 0;
    }
  }
  return whole;
}

function itemSize(type: string): number {
  return Number(/(\d+)$/.exec(type)?.[1] ?? 1);
}

/** Codes as they are; other numbers as the nearest type that a view can show. */
function codesOf(bytes: Bytes, header: PlaneHeader): Codes {
  const size = itemSize(header.type);
  const count = header.shape[0] * header.shape[1];
  if (bytes.byteLength !== count * size) {
    throw new Error('The server’s answer was cut off.');
  }
  // Typed arrays must begin at a multiple of their items' size.
  const own = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset } = own;
  switch (header.type) {
    case 'u1':
      return isCoded(header) ? own : Float32Array.from(own);
    case 'u2': {
      const codes = new Uint16Array(buffer, byteOffset, count);
      return isCoded(header) ? codes : Float32Array.from(codes);
    }
    case 'f4':
      return new Float32Array(buffer, byteOffset, count);
    case 'f8':
      return new Float64Array(buffer, byteOffset, count);
    default:
      return numbers(new DataView(buffer, byteOffset), header.type, count);
  }
}

function numbers(view: DataView, type: string, count: number): Float64Array {
  const read = READERS[type];
  if (!read) {
    throw new Error(`The server sent numbers of a kind that cannot be shown: ${type}.`);
  }
  const size = itemSize(type);
  return Float64Array.from({ length: count }, (_, i) => read(view, i * size));
}

const READERS: Record<string, (view: DataView, at: number) => number> = {
  b1: (view, at) => view.getUint8(at),
  i1: (view, at) => view.getInt8(at),
  i2: (view, at) => view.getInt16(at, true),
  i4: (view, at) => view.getInt32(at, true),
  i8: (view, at) => Number(view.getBigInt64(at, true)),
  u4: (view, at) => view.getUint32(at, true),
  u8: (view, at) => Number(view.getBigUint64(at, true)),
  f2: (view, at) => half(view.getUint16(at, true)),
};

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  if (exponent === 0x1f) {
    return fraction ? NaN : sign * Infinity;
  }
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
