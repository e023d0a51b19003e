// Small helpers to make elements; text is always text, never markup.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const SVG = "http://www.w3.org/2000/svg";

/** An element: h("button.icon", { onclick, "aria-label": "Play" }, child, ...). */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  node.className = classes.join(" ");
  return filled(node, props, children);
}

/** An SVG element, in the same words. */
export function s(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

function filled(node, props, children) {
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "style") for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
    else if (key in node && !key.includes("-") && node.namespaceURI !== SVG) node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

export function icon(name) {
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  return s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, use);
}

/** Brings the pictures into the page, once for all of them. */
export async function bringIcons() {
  const text = await fetch("icons.svg").then((answer) => answer.text()).catch(() => "<svg/>");
  const sprite = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  sprite.setAttribute("class", "hidden");
  sprite.setAttribute("aria-hidden", "true");
  document.body.append(sprite);
}

/** A button with a picture and no text; its label is read out and shown as a tooltip. */
export const iconButton = (name, label, onclick, props = {}) =>
  h("button.icon", { type: "button", "aria-label": label, title: label, onclick, ...props }, icon(name));

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** `fn` within `wait` ms of the first call, once for all of them; `.now()` does what is waiting. */
export function later(fn, wait) {
  let timer = 0;
  const run = () => { timer = 0; fn(); };
  const call = () => { timer ||= setTimeout(run, wait); };
  call.now = () => { if (timer) { clearTimeout(timer); run(); } };
  return call;
}
