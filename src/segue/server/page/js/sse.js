// Server-sent events that are taken up again where they were cut off.

import { Problem, address } from "./api.js";

const ENDS = new Set(["done", "failed", "cancelled"]);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Calls `onEvent(name, data)` for each event of a job until it ends; comes back after every cut.
 * `onCut(true)` is called while the server is gone, `onCut(false)` once it is back.
 */
export async function follow(path, onEvent, { signal, onCut = () => {} } = {}) {
  let last = "";
  let wait = 400;
  let cut = false;
  while (!signal?.aborted) {
    try {
      const answer = await fetch(address(path), { signal, headers: { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) } });
      if (answer.status === 404) throw new Problem("The server has forgotten this job: press the button again.", { status: 404 });
      if (answer.status === 401) throw new Problem("The server wants its token again: open the address that `segue serve` printed.", { status: 401 });
      if (!answer.ok) throw new TypeError(`status ${answer.status}`);
      if (cut) onCut((cut = false));
      for await (const { id, name, data } of events(answer.body)) {
        if (id) last = id;
        wait = 400;
        onEvent(name, data);
        if (ENDS.has(name)) return;
      }
    } catch (error) {
      if (error instanceof Problem || error.name === "AbortError") throw error;
      // A connection that failed is tried again, ever less often.
    }
    if (!cut) onCut((cut = true));
    await pause(wait);
    wait = Math.min(5000, wait * 1.6);
  }
}

/** The events of a stream of bytes. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text = (text + value).replaceAll("\r\n", "\n");
    let end = text.indexOf("\n\n");
    while (end >= 0) {
      const event = parsed(text.slice(0, end));
      text = text.slice(end + 2);
      if (event) yield event;
      end = text.indexOf("\n\n");
    }
  }
}

function parsed(block) {
  const fields = { id: "", event: "message", data: [] };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") fields.data.push(value);
    else if (name in fields) fields[name] = value;
  }
  if (!fields.data.length) return null;
  return { id: fields.id, name: fields.event, data: JSON.parse(fields.data.join("\n")) };
}
