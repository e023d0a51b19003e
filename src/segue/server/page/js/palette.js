// The colours of tracks, light and dark, and the style of every kind of note in the roll.

const LIGHT = ["#3d4bd1", "#c2571a", "#0f8a74", "#b0307c", "#7c6a00", "#1577b8", "#8746cf", "#5b6470"];
const DARK = ["#8f9bff", "#ff9f68", "#4fd1b5", "#f27fc0", "#d9c34a", "#63b8f0", "#bf93ff", "#a7b0bc"];

export const isDark = () => document.documentElement.dataset.theme === "dark";

export const trackColour = (track) => (isDark() ? DARK : LIGHT)[track % LIGHT.length];

const NAMES = ["ink", "muted", "faint", "line", "accent", "surface", "sunk", "warn", "roll-bg", "roll-black", "roll-bar", "roll-beat", "roll-octave"];
const read = {};

/** The colours that the canvases take from the style sheet, read once for light and once for dark. */
export function themeColours() {
  const theme = document.documentElement.dataset.theme ?? "light";
  if (!read[theme]) {
    const style = getComputedStyle(document.documentElement);
    read[theme] = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return read[theme];
}

/** `colour` over `ground`: 0 is the ground, 1 the colour. */
export function mix(colour, ground, share) {
  const parts = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const [a, b] = [parts(colour), parts(ground)];
  return `rgb(${a.map((value, i) => Math.round(value * share + b[i] * (1 - share))).join(" ")})`;
}
