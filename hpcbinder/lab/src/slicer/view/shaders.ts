// The two programs of `gl.ts`: they differ in how a value is taken from a plane.

export const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

const SHARED = `
precision highp float;
precision highp int;
uniform vec2 size;      // of the canvas in pixels
uniform vec4 rect;      // what is seen: row0, row1, column0, column1
uniform vec4 window;    // what the plane covers
uniform float step_;    // every how many-th row and column it has
uniform ivec2 shape;    // rows and columns of the texture
uniform bool flipped;
uniform vec2 limits;    // along the scale
uniform sampler2D table;
uniform vec3 bad;
out vec4 colour;

vec4 shown(float at, bool valid) {
  if (!valid) {
    float stripe = mod(gl_FragCoord.x + gl_FragCoord.y, 8.0) < 4.0 ? 1.0 : 0.86;
    return vec4(bad * stripe, 1.0);
  }
  float place = limits.y == limits.x ? (at < limits.x ? 0.0 : 1.0) : (at - limits.x) / (limits.y - limits.x);
  return texelFetch(table, ivec2(int(clamp(place, 0.0, 1.0) * 255.0 + 0.5), 0), 0);
}

ivec2 place() {
  float down = flipped ? gl_FragCoord.y / size.y : 1.0 - gl_FragCoord.y / size.y;
  float row = mix(rect.x, rect.y, down);
  float column = mix(rect.z, rect.w, gl_FragCoord.x / size.x);
  if (row < window.x || row >= window.y || column < window.z || column >= window.w) discard;
  ivec2 texel = ivec2(int((column - window.z) / step_), int((row - window.x) / step_));
  return min(texel, shape.yx - 1);
}
`;

export const OF_CODES = `#version 300 es
precision highp usampler2D;
${SHARED}
uniform usampler2D plane;
uniform float largest;
void main() {
  uint code = texelFetch(plane, place(), 0).r;
  colour = shown((float(code) - 1.0) / (largest - 1.0), code != 0u);
}`;

export const OF_VALUES = `#version 300 es
${SHARED}
uniform sampler2D plane;
uniform int scale;      // 0 linear, 1 log, 2 symlog
uniform float threshold;
void main() {
  float value = texelFetch(plane, place(), 0).r;
  // Compared by its bits: drivers may take it for granted that no number is none.
  uint bits = floatBitsToUint(value) & 0x7fffffffu;
  bool valid = bits <= 0x7f800000u && !(scale == 1 && value <= 0.0);
  float at = value;
  if (scale == 1) at = log(max(value, 1e-38)) / log(10.0);
  if (scale == 2) at = sign(value) * log(1.0 + abs(value) / threshold);
  colour = shown(at, valid);
}`;
