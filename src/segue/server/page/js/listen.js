// Listen: compare takes side by side, and a blind test in which nobody sees whose take it is.

import { call, get, post } from "./api.js";
import { number } from "./asking.js";
import { $, h } from "./dom.js";
import { recall, remember } from "./memory.js";

export async function showPanel(box, { store }) {
  const inside = h("div.panel-in", {});
  box.append(inside);
  let test = await recall("listening").catch(() => null); // { id, pairs, links, at, listener }
  let sounding = null;

  const keepTest = () => remember("listening", test).catch(() => {});

  function head(sentence) {
    return h("div.panel-head", {}, h("h2", {}, "Listen"), h("p.lead", {}, sentence));
  }

  let pressed = null; // the button whose take sounds
  let voting = false;

  function stop() {
    sounding?.pause();
    sounding = null;
    pressed?.replaceChildren(pressed.dataset.verb);
    pressed = null;
  }

  async function hear(code, button) {
    const again = pressed === button;
    stop();
    if (again) return;
    pressed = button;
    button.dataset.verb ??= button.textContent;
    button.textContent = "Making its sound …";
    try {
      const answer = await call("GET", test.links[code]);
      const url = URL.createObjectURL(await answer.blob());
      if (pressed !== button) return;
      sounding = new Audio(url);
      sounding.addEventListener("ended", stop);
      button.textContent = `Stop ${button.dataset.verb.replace("Hear ", "")}`;
      await sounding.play();
    } catch (error) {
      if (error.name === "AbortError") return;
      stop();
      trouble(error);
    }
  }

  function trouble(error) {
    const old = $(".notice", inside);
    const node = h("p.notice.bad", { role: "alert" }, error.message ?? String(error));
    if (old) old.replaceWith(node);
    else inside.append(node);
    if (error.status === 404) {
      test = null;
      keepTest();
    }
  }

  /** Takes that can be compared, each with the name that it stands under. */
  function choose() {
    const { takes, models } = store.get();
    const done = takes.filter((t) => t.status === "done");
    if (done.length < 2) {
      inside.replaceChildren(head("Compare takes without knowing which is which. Make two takes or more in Compose, of one model or of several, and come back."),
        h("div", {}, h("a", { href: "#compose" }, "Make takes")));
      return;
    }
    const boxes = done.map((t) => {
      const name = `take ${t.number}`;
      return { take: t, on: h("input", { type: "checkbox", checked: true }), name: h("input", { type: "text", value: t.receipt?.bundle && (models?.length ?? 0) > 1 && new Set(done.map((d) => d.receipt?.bundle)).size > 1 ? t.receipt.bundle : name, maxLength: 60, "aria-label": `Name of take ${t.number} in the results` }) };
    });
    inside.replaceChildren(head("Compare takes without knowing which is which. They are drawn in pairs, equally loud, under no name; the results show names only after you chose."),
      h("section.card", {}, h("h3", {}, "A blind test"), h("p.muted.small", {}, "Takes under one name count together: give takes of one model the same name to compare models."),
        ...boxes.map((b) => h("div.row", {}, h("label.check", {}, b.on, `Take ${b.take.number} (seed ${b.take.seed})`), h("span.grow", {}, b.name))),
        h("div", {}, h("button.primary", { type: "button", onclick: () => begin(boxes) }, "Begin"))));
  }

  async function begin(boxes) {
    const takes = Object.fromEntries(boxes.filter((b) => b.on.checked).map((b) => [b.take.id, b.name.value.trim() || `take ${b.take.number}`]));
    try {
      const made = await post("listening", { takes });
      test = { ...made, at: 0, listener: crypto.randomUUID() };
      keepTest();
      show();
    } catch (error) { trouble(error); }
  }

  function pair() {
    const now = test.pairs[test.at];
    const side = (code, name, choice) => h("section.card", { "aria-label": name }, h("h3", {}, name),
      h("button.quiet", { type: "button", onclick: (e) => hear(code, e.currentTarget) }, `Hear ${name}`),
      h("button.primary", { type: "button", onclick: () => vote(choice) }, `${name} is better`));
    inside.replaceChildren(head(`Pair ${test.at + 1} of ${test.pairs.length}. Hear both, then choose.`),
      h("progress", { value: test.at, max: test.pairs.length, "aria-label": "Pairs done" }),
      h("div.blind", {}, side(now.first, "A", "first"), side(now.second, "B", "second")),
      h("div.row", {}, h("button.quiet", { type: "button", onclick: () => vote("neither") }, "Neither"), h("button.link", { type: "button", onclick: end }, "Stop here and see the results")));
  }

  async function vote(choice) {
    if (voting) return;
    voting = true;
    stop();
    try {
      await call("POST", test.links.votes, { body: { listener: test.listener, pair: test.pairs[test.at].number, choice } });
      test = { ...test, at: test.at + 1 };
      keepTest();
      show();
    } catch (error) { trouble(error); } finally { voting = false; }
  }

  function end() {
    test = { ...test, at: test.pairs.length };
    keepTest();
    show();
  }

  async function results() {
    const told = await get(test.links.votes);
    const share = (d) => `${number((d.share ?? 0) * 100, 3)} %`;
    inside.replaceChildren(head(`${told.votes} ${told.votes === 1 ? "choice" : "choices"} by ${told.listeners} ${told.listeners === 1 ? "listener" : "listeners"}.`),
      h("section.card", {}, h("h3", {}, "How they compare"),
        told.duels.length ? h("table", {}, h("thead", {}, h("tr", {}, ...["", "", "Wins", "Ties", "Share", "95 % interval", "p"].map((n) => h("th", { scope: "col" }, n)))),
          h("tbody", {}, ...told.duels.map((d) => h("tr", {}, h("td", {}, d.one), h("td", {}, d.other), h("td", {}, `${d.wins} : ${d.losses}`), h("td", {}, number(d.draws)), h("td", {}, share(d)), h("td", {}, (d.interval ?? []).map((v) => number(v * 100, 3)).join(" to ")), h("td", {}, number(d.p)))))) : h("p.muted", {}, "Nobody chose yet."),
        Object.keys(told.strengths).length ? h("div.measures", {}, ...Object.entries(told.strengths).map(([name, v]) => h("div", {}, h("span", {}, name), h("b", {}, `${number((v.chance ?? 0) * 100, 3)} %`)))) : null),
      h("p.muted.small", {}, "A strength is the chance to win against an average one of them (Bradley and Terry). With few choices the intervals are wide: ask more people."),
      h("div", {}, h("button.quiet", { type: "button", onclick: () => { test = null; keepTest(); show(); } }, "Another test")));
  }

  async function show() {
    stop();
    if (!test) return choose();
    if (test.at < test.pairs.length) return pair();
    try { await results(); } catch (error) {
      if (error.status === 404) { test = null; keepTest(); return choose(); }
      trouble(error);
    }
    return undefined;
  }

  addEventListener("hashchange", stop);
  return { refresh: show };
}
