// Colour scales. Tables are anchors of maps that were given away (CC0: viridis and its sisters, cividis,
// twilight), the rest is computed.

export type Colour = readonly [number, number, number];

/** Hexadecimal colours at equal distances. */
const ANCHORS: Readonly<Record<string, string>> = {
  viridis:
    '440154460c5f481769482072472a7a463480433d844046883d4e8a39568c355e8d32668e2e6d8e2c748e' +
    '297b8e26828e23898e21908c1f978b1f9e8821a58526ac822eb37c39ba7646c06f55c66865cb5e76d054' +
    '89d5489cd93cb0dd2fc4e022d8e219ebe51afde725',
  magma:
    '000004030310090720120c301a10422412543111653e0f724a107956147e6219806e1e81792282852681' +
    '912b819d2e7faa337db6367ac23b75ce4070d9466be44e64ec5860f2645cf7725cfa805efc8e64fe9c6c' +
    'feaa74feb87efec68afed496fde2a3fcefb1fcfdbf',
  inferno:
    '0000040402110a0722130a331e0c452a0b56380962440a68510e6c5c126e69166e741a6e801f6c8c2369' +
    '982766a42c60b0315bbb3654c63d4dd04446d94d3de25634e9612bef6d22f47918f8860efa9407fca208' +
    'fcb014fabf24f8cd37f4dc4ef2ea69f3f688fcffa4',
  plasma:
    '0d08872106902f05963d049c4903a05602a46100a76d00a87801a88405a78e0ca49814a0a21d9aac2594' +
    'b42e8dbc3686c43e7fcc4678d24f71d8586ade6164e46a5ee97257ee7c51f3854bf69044f99a3efca438' +
    'fdaf31feba2cfdc627fcd224f8df25f4ec27f0f921',
  cividis:
    '00224e00285a002d68003271163770243c6e2e416d37466c3f4c6c46516c4e566c555c6d5c616e626670' +
    '696b717070737676767c7c788381798a8678928c78989277a09875a89e73afa471b8aa6ebfb06bc6b667' +
    'cfbd62d6c45cdfca57e8d250f0d846f8e03bfee838',
  twilight:
    'e2d9e2d7d8dec5cfd5aec4cd99b8c886aac4769cc16c8dbf647dbc606db85f5bb25e4aa85c379c58268a' +
    '4f19724312583711443014373a113a4913425c1749701c4e832550933050a13f50ad4e51b75f55be715c' +
    'c58468c9967acda88fd2b9a8d9c9c2dfd4d7e2d9e2',
};

type Ramp = (at: number) => Colour;

const COMPUTED: Readonly<Record<string, Ramp>> = {
  gray: (at) => [255 * at, 255 * at, 255 * at],
  coolwarm: (at) => diverging([59, 76, 192], [221, 221, 221], [180, 4, 38], at),
  seismic: (at) => diverging([0, 0, 110], [255, 255, 255], [110, 0, 0], at, [0, 0, 255], [255, 0, 0]),
  hot: (at) => [765 * at, 765 * at - 255, 765 * at - 510],
};

/** In the order of a menu: even steps for the eye first, then those with a middle, then a cycle. */
export const MAPS = [
  'viridis',
  'magma',
  'inferno',
  'plasma',
  'cividis',
  'gray',
  'hot',
  'coolwarm',
  'seismic',
  'twilight',
] as const;

export type MapName = (typeof MAPS)[number];

/** Maps whose middle is a colour of its own: their domain wants to be the same on both sides of zero. */
export const DIVERGING: ReadonlySet<string> = new Set(['coolwarm', 'seismic']);

export function isMap(name: string): name is MapName {
  return (MAPS as readonly string[]).includes(name);
}

export const TABLE_SIZE = 256;

/** Red, green, blue and alpha of each of 256 colours. */
export function colourTable(name: MapName, inverted: boolean): Uint8Array {
  const table = new Uint8Array(TABLE_SIZE * 4);
  const ramp = rampOf(name);
  for (let i = 0; i < TABLE_SIZE; i++) {
    const at = i / (TABLE_SIZE - 1);
    const colour = ramp(inverted ? 1 - at : at).map((one) => Math.round(Math.max(0, Math.min(one, 255))));
    table.set([...colour, 255], 4 * i);
  }
  return table;
}

function rampOf(name: MapName): Ramp {
  const computed = COMPUTED[name];
  return computed ?? anchored(ANCHORS[name] ?? '000000ffffff');
}

function anchored(hex: string): Ramp {
  const last = hex.length / 6 - 1;
  const anchor = (index: number): Colour => {
    const number = parseInt(hex.slice(6 * index, 6 * index + 6), 16);
    return [number >> 16, (number >> 8) & 255, number & 255];
  };
  return (at) => {
    const low = Math.min(Math.floor(at * last), last - 1);
    return mixed(anchor(low), anchor(low + 1), at * last - low);
  };
}

/** Through a pale middle, smoothly, so that no edge is seen where there is none. */
function diverging(low: Colour, middle: Colour, high: Colour, at: number, a = low, b = high): Colour {
  const distance = Math.abs(2 * at - 1);
  const [near, far] = at < 0.5 ? [a, low] : [b, high];
  const end = mixed(near, far, Math.max(0, 2 * distance - 1));
  return mixed(middle, end, near === far ? distance ** 0.9 : Math.min(1, 2 * distance));
}

function mixed(a: Colour, b: Colour, at: number): Colour {
  const one = (i: 0 | 1 | 2) => a[i] + (b[i] - a[i]) * at;
  return [one(0), one(1), one(2)];
}
