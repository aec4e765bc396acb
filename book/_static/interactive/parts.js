// What the interactive parts share. Plain scripts rather than modules: a book opened from disk may not import any.
(function (book) {
  "use strict";

  // Make an element: el("p", { class: "note" }, "text", another element).
  function el(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.flat());
    return element;
  }

  // Text for screen readers alone.
  const unseen = (text) => el("span", { class: "part-unseen" }, text);

  // Uniform random numbers in [0, 1) from a seed: the same numbers for the same seed in every browser (mulberry32).
  function generator(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  // -12.3 as "−$12.30", 1200 as "$1,200.00". The minus is glued to what follows, so that no line ends between them.
  function money(dollars, digits = 2) {
    const size = Math.abs(dollars).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return (dollars < 0 && /[1-9]/.test(size) ? "−\u2060$" : "$") + size;
  }

  // Start `make(place)` in every element of a class, in place of what stands there while scripts are off.
  function start(name, make) {
    for (const place of document.querySelectorAll(`div.${name}`)) {
      const part = make(place);
      place.querySelectorAll(":scope > .part-fallback").forEach((fallback) => fallback.remove());
      place.append(part);
    }
  }

  let count = 0;
  const freshId = () => `part-${++count}`;

  Object.assign(book, { el, unseen, generator, money, start, freshId });
})((globalThis.bookParts ??= {}));
