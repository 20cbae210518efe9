// Planes as textures of their codes, coloured by a table on the GPU: new colours or limits move no data.

import type { Look, Painter } from './painter';
import { codeLimits, SLOTS } from './painter';
import { forward, fraction } from './scales';
import { OF_CODES, OF_VALUES, VERTEX } from './shaders';
import type { Plane } from './source';
import type { Rect } from './viewport';
import { isCoded, largestCode } from './wire';

interface Program {
  readonly program: WebGLProgram;
  readonly places: Map<string, WebGLUniformLocation | null>;
}

interface Slot {
  readonly plane: Plane;
  readonly texture: WebGLTexture;
}

const SCALES = ['linear', 'log', 'symlog'] as const;

export class GlPainter implements Painter {
  readonly kind = 'webgl2';
  private readonly planes: (Plane | null)[] = Array(SLOTS).fill(null);
  private slots: (Slot | null)[] = Array(SLOTS).fill(null);
  private programs: { codes: Program; values: Program } | null = null;
  private table: WebGLTexture | null = null;
  private current: Look | null = null;
  private last: { rect: Rect; flipped: boolean } | null = null;

  /** Null where the browser has no WebGL2, or no working one. */
  static on(canvas: HTMLCanvasElement, gone: () => void): GlPainter | null {
    const gl = canvas.getContext('webgl2', { alpha: true, antialias: false, depth: false });
    try {
      return gl && new GlPainter(canvas, gl, gone);
    } catch (error) {
      console.warn(error);
      return null;
    }
  }

  private constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
    private readonly gone: () => void
  ) {
    canvas.addEventListener('webglcontextlost', this.lost);
    canvas.addEventListener('webglcontextrestored', this.restored);
    this.prepare();
  }

  upload(slot: number, plane: Plane | null): void {
    this.planes[slot] = plane;
    const before = this.slots[slot];
    this.slots[slot] = null;
    if (this.gl.isContextLost()) {
      return;
    }
    const texture = before?.texture ?? (plane && this.gl.createTexture());
    if (!plane) {
      this.gl.deleteTexture(texture);
    } else if (texture) {
      this.fill(texture, plane);
      this.slots[slot] = { plane, texture };
    }
  }

  look(look: Look): void {
    const same = this.current?.table === look.table;
    this.current = look;
    const { gl } = this;
    if (same || gl.isContextLost()) {
      return;
    }
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.table);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, look.table.length / 4, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, look.table);
    nearest(gl);
  }

  draw(rect: Rect, flipped: boolean): void {
    this.last = { rect, flipped };
    const { gl } = this;
    if (gl.isContextLost() || !this.current) {
      return;
    }
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    for (const slot of this.slots) {
      if (slot) {
        this.drawSlot(slot, rect, flipped, this.current);
      }
    }
  }

  dispose(): void {
    this.canvas.removeEventListener('webglcontextlost', this.lost);
    this.canvas.removeEventListener('webglcontextrestored', this.restored);
    this.gl.getExtension('WEBGL_lose_context')?.loseContext();
    this.gone();
  }

  private drawSlot({ plane, texture }: Slot, rect: Rect, flipped: boolean, look: Look): void {
    const { gl } = this;
    const coded = isCoded(plane.header);
    const used = coded ? this.programs?.codes : this.programs?.values;
    if (!used) {
      return;
    }
    const place = (name: string) => placeOf(gl, used, name);
    gl.useProgram(used.program);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.uniform1i(place('plane'), 0);
    gl.uniform1i(place('table'), 1);
    gl.uniform2f(place('size'), this.canvas.width, this.canvas.height);
    gl.uniform4f(place('rect'), rect.row0, rect.row1, rect.column0, rect.column1);
    gl.uniform4f(place('window'), ...plane.header.window);
    gl.uniform1f(place('step_'), plane.header.step);
    gl.uniform2i(place('shape'), ...plane.header.shape);
    gl.uniform1i(place('flipped'), flipped ? 1 : 0);
    gl.uniform3f(place('bad'), look.bad[0] / 255, look.bad[1] / 255, look.bad[2] / 255);
    if (coded) {
      this.codesLook(place, plane, look);
    } else {
      this.valuesLook(place, plane, look);
    }
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  private codesLook(place: (name: string) => WebGLUniformLocation | null, plane: Plane, look: Look): void {
    const { domain, scale, threshold } = plane.header;
    const spanned = { low: domain[0], high: domain[1] };
    this.gl.uniform1f(place('largest'), largestCode(plane.header));
    const limits = codeLimits(look, (value) => fraction(scale, spanned, value, threshold));
    this.gl.uniform2f(place('limits'), ...limits);
  }

  private valuesLook(place: (name: string) => WebGLUniformLocation | null, plane: Plane, look: Look): void {
    const threshold = plane.header.threshold ?? 1;
    this.gl.uniform1i(place('scale'), SCALES.indexOf(look.scale));
    this.gl.uniform1f(place('threshold'), threshold);
    const limits = codeLimits(look, (value) => forward(look.scale, value, threshold));
    this.gl.uniform2f(place('limits'), ...limits);
  }

  private fill(texture: WebGLTexture, { header, codes }: Plane): void {
    const { gl } = this;
    const [height, width] = header.shape;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    if (codes instanceof Uint8Array) {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8UI, width, height, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE, codes);
    } else if (codes instanceof Uint16Array) {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16UI, width, height, 0, gl.RED_INTEGER, gl.UNSIGNED_SHORT, codes);
    } else {
      const floats = codes instanceof Float32Array ? codes : Float32Array.from(codes);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, width, height, 0, gl.RED, gl.FLOAT, floats);
    }
    nearest(gl);
  }

  private prepare(): void {
    const { gl } = this;
    this.programs = { codes: link(gl, OF_CODES), values: link(gl, OF_VALUES) };
    this.table = gl.createTexture();
    gl.bindVertexArray(gl.createVertexArray());
  }

  private readonly lost = (event: Event): void => {
    // Without this, the browser never gives it back.
    event.preventDefault();
    this.slots = Array(SLOTS).fill(null);
  };

  private readonly restored = (): void => {
    this.prepare();
    const look = this.current;
    this.current = null;
    if (look) {
      this.look(look);
    }
    this.planes.forEach((plane, slot) => this.upload(slot, plane));
    if (this.last) {
      this.draw(this.last.rect, this.last.flipped);
    }
  };
}

function nearest(gl: WebGL2RenderingContext): void {
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}

function placeOf(gl: WebGL2RenderingContext, { program, places }: Program, name: string): WebGLUniformLocation | null {
  let place = places.get(name);
  if (place === undefined) {
    place = gl.getUniformLocation(program, name);
    places.set(name, place);
  }
  return place;
}

function link(gl: WebGL2RenderingContext, fragment: string): Program {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, fragment]] as const) {
    const shader = gl.createShader(kind);
    if (!program || !shader) {
      continue;
    }
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  if (program) {
    gl.linkProgram(program);
  }
  if (!program || (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())) {
    throw new Error(`The graphics card does not take our program: ${program && gl.getProgramInfoLog(program)}`);
  }
  return { program, places: new Map() };
}
