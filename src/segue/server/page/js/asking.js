// Jobs of the panels: start one, wait for its end, give its result or its problem.

import { Problem, cancelJob, eventsOf, jobAt, post } from "./api.js";
import { h } from "./dom.js";
import { follow } from "./sse.js";

/** The result of a job that is started by a POST to `path`. `onJob` is told its id at once. */
export async function result(path, body, options = {}) {
  const job = await post(path, body, { headers: { "Idempotency-Key": crypto.randomUUID() } });
  options.onJob?.(job.id);
  return ended(job.id, options);
}

/** Waits for a job's end. */
export async function ended(id, { signal, onEvent = () => {}, onCut } = {}) {
  await follow(eventsOf(id), onEvent, { signal, onCut });
  const job = await jobAt(id);
  if (job.status === "failed") throw new Problem(job.problem?.detail ?? "The job failed: try again.", { status: job.problem?.status ?? 500 });
  return job;
}

export { cancelJob };

/** A card with a heading, a button that asks, and room for the answer. */
export function asker(heading, about, verb, ask, { wide = false, extra = [] } = {}) {
  const answer = h("div.shell", { "aria-live": "polite" });
  const button = h("button.quiet", { type: "button", onclick: run }, verb);
  async function run() {
    button.disabled = true;
    answer.replaceChildren(h("p.muted", {}, "At work …"), h("progress", { "aria-label": heading }));
    try {
      const nodes = await ask();
      answer.replaceChildren(...[].concat(nodes));
    } catch (error) {
      if (error.name === "AbortError") return;
      answer.replaceChildren(h("p.notice.bad", {}, error.message ?? String(error)));
    } finally {
      button.disabled = false;
    }
  }
  return h(`section.card${wide ? ".span" : ""}`, { "aria-label": heading }, h("h3", {}, heading), h("p.muted.small", {}, about), ...extra, h("div", {}, button), answer);
}

export const number = (value, digits = 3) => {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(1) : String(Number(value.toPrecision(digits)));
};
