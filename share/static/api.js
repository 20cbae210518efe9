// The service's API, as our pages use it.

const data = JSON.parse(document.getElementById("binder-data").textContent);
const headers = { "X-XSRFToken": data.xsrf };

export class ApiError extends Error {
  constructor(texts, status) {
    super(texts.message);
    this.status = status;
    this.advice = texts.advice || "";
    this.detail = texts.detail || "";
  }
}

export function address(path) {
  return data.service + path;
}

export async function call(method, path, body) {
  const response = await fetch(address(path), {
    method,
    headers: { ...headers, "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({ message: `The service answered ${response.status}.` }));
  if (!response.ok) throw new ApiError(answer, response.status);
  return answer;
}

// A part of a page, as the service renders it.
export async function fragment(path) {
  const response = await fetch(address(path), { headers });
  if (!response.ok) throw new ApiError(await response.json());
  return response.text();
}

// Whether there is a page.
export async function exists(path) {
  const response = await fetch(address(path), { method: "HEAD", headers }).catch(() => null);
  return Boolean(response?.ok);
}

// Calls `onEvent` for every event of a stream until `onEvent` returns true. A connection that breaks
// is made again from the last event on: the service may be restarting.
export async function follow(path, onEvent, onTrouble = () => {}) {
  let last = 0;
  let pause = 500;
  for (;;) {
    try {
      const response = await fetch(address(path), { headers: { ...headers, "Last-Event-ID": String(last) } });
      if (response.status === 403 || response.status === 404) throw new ApiError(await response.json());
      if (response.status === 204) return; // All was told before.
      if (!response.ok) throw new Error(`The service answered ${response.status}.`);
      onTrouble(null);
      for await (const event of events(response.body)) {
        last = event.number;
        pause = 500;
        if (onEvent(event)) return;
      }
    } catch (error) {
      if (error instanceof ApiError) throw error;
      onTrouble(error);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 10000);
  }
}

// The service says something at least every ten seconds. When it is killed, a proxy on the way may
// hold the connection open for ever.
const SILENCE_MS = 25000;

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await heard(reader);
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const line = part.split("\n").find((candidate) => candidate.startsWith("data: "));
      if (line) yield JSON.parse(line.slice(6));
    }
  }
}

async function heard(reader) {
  let waiting;
  const silence = new Promise((_, reject) => {
    waiting = setTimeout(() => reject(new Error("The service has fallen silent.")), SILENCE_MS);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  } finally {
    clearTimeout(waiting);
  }
}
