// The server's words: every address the page knows is here, and every error becomes a `Problem`.

const ROOT = "/api/v1";
const GONE = "The server does not answer. Your music is safe in this browser: start `segue studio` again in a terminal, and the page carries on by itself.";

/** A refusal with a sentence that says what to do (RFC 9457), or a server that is not there. */
export class Problem extends Error {
  constructor(sentence, { status = 0, retryAfter = 0 } = {}) {
    super(sentence);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same may go well a little later, with nothing changed. */
  get passing() { return this.gone || this.status === 429 || this.status === 408 || this.status >= 500; }

  get gone() { return this.status === 0 || this.status === 502 || this.status === 503; }
}

/** Shows the server its token; the browser keeps it as a cookie that scripts cannot read. */
export const showToken = (token) => call("POST", "session", { body: { token } });

export async function call(method, path, { body, headers = {}, signal, form } = {}) {
  const all = { Accept: "application/json, */*", ...headers };
  if (body !== undefined) all["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path.startsWith("/") ? path : `${ROOT}/${path}`, {
      method, signal, headers: all, body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(GONE);
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

async function problemOf(answer) {
  const text = await answer.text();
  let sentence = "";
  try {
    const told = JSON.parse(text);
    sentence = typeof told.detail === "string" ? told.detail : told.title ?? "";
  } catch { /* not JSON: the status says enough */ }
  const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  // The command line's sentences begin small, after the name of the command.
  if (/^(the|a|an|no|this|these|there) /.test(sentence)) sentence = sentence[0].toUpperCase() + sentence.slice(1);
  if (answer.status === 429) sentence ||= "The server is busy.";
  if (retryAfter) sentence += ` Try again in ${retryAfter} s.`;
  sentence ||= `The server answered ${answer.status}: try again, and look at its terminal if it stays so.`;
  return new Problem(sentence, { status: answer.status, retryAfter });
}

const json = async (...args) => (await call(...args)).json();

export const get = (path, options) => json("GET", path, options);
export const post = (path, body, options) => json("POST", path, { body, ...options });
export const remove = (path) => call("DELETE", path);
export const address = (path) => (path.startsWith("/") ? path : `${ROOT}/${path}`);

/** Whether the server is there; never throws. */
export async function alive() {
  try {
    const answer = await fetch(`${ROOT}/health`, { cache: "no-store" });
    return answer.status < 500;
  } catch { return false; }
}

// -- music ---------------------------------------------------------------------------------

/** A file as music: { name, music, repairs, ... }. */
export async function readFile(file) {
  const form = new FormData();
  form.append("file", file, file.name);
  return (await call("POST", "convert", { form })).json();
}

/** Music as a file of `format` (mid, wav, mp3, musicxml, pdf, svg, png, ...). */
export const writeFile = async (music, format) => (await call("POST", `convert/${format}`, { body: { music } })).blob();

/** Lets the server take its instruments up, so that the first sound comes as soon as the others. */
export function warmSound() {
  const music = { ticks_per_quarter: 480, tracks: [{ name: "", program: 0, drums: false }], notes: [{ track: 0, onset: 0, duration: 10, pitch: 60, velocity: 1 }] };
  return call("POST", "render", { body: { music, begin: 0, end: 0.05 } }).catch(() => {});
}

// -- making --------------------------------------------------------------------------------

export const models = async () => (await get("models")).models;
export const startJob = (way, body, key) => post(way, body, { headers: { "Idempotency-Key": key } });
export const jobAt = (id) => get(`jobs/${id}`);
export const cancelJob = (id) => remove(`jobs/${id}`);
export const eventsOf = (id) => `jobs/${id}/events`;
export const takeAt = (id) => get(`takes/${id}`);
