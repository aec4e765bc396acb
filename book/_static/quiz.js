// Check yourself: the options of each question in a new order, the first choice marked, the score kept in the browser.
// Without this script the options are what Sphinx made of them: dropdowns that say why they are right or wrong.
(function (book) {
  "use strict";

  const { el, generator } = book;

  const store = `quiz ${location.pathname}`;

  // The choices made on this page: the number of a question, and that of its option in the order of the source.
  function load() {
    try {
      return JSON.parse(localStorage.getItem(store)) ?? {};
    } catch {
      return {}; // the browser keeps nothing, or something else
    }
  }

  function save(choices) {
    try {
      localStorage.setItem(store, JSON.stringify(choices));
    } catch {
      // Then the score lasts as long as the page.
    }
  }

  // A new order of a list, by random numbers in [0, 1).
  function shuffled(list, random) {
    const order = [...list];
    for (let last = order.length - 1; last > 0; last--) {
      const other = Math.floor(random() * (last + 1));
      [order[last], order[other]] = [order[other], order[last]];
    }
    return order;
  }

  function question(box) {
    const options = [...box.querySelectorAll("details.right, details.wrong")];
    const after = options.at(-1)?.nextSibling ?? null;
    let shown = options;
    const put = (order) => order.forEach((option) => option.parentNode.insertBefore(option, after));
    const shuffle = (random) => put((shown = shuffled(options, random)));
    return { box, options, shuffle, asWritten: () => put(options), asShown: () => put(shown) };
  }

  // Show on the question and on the chosen option what was chosen first; `number` is undefined where nothing was.
  function mark({ box, options }, number) {
    box.querySelectorAll(".quiz-choice").forEach((old) => old.remove());
    const chosen = options[number];
    box.classList.toggle("answered", Boolean(chosen));
    if (!chosen) return;
    const right = chosen.classList.contains("right");
    const words = right ? "✓ your choice: right" : "✗ your choice: not right";
    const text = chosen.querySelector(".sd-summary-text");
    text.append(el("span", { class: `quiz-choice ${right ? "right" : "wrong"}` }, words));
  }

  function start() {
    const questions = [...document.querySelectorAll(".admonition.quiz")].map(question).filter(({ options }) => options.length);
    if (!questions.length) return;
    let choices = load();
    const random = generator(globalThis.bookQuizSeed ?? Date.now());
    const score = el("p", { role: "status" });
    const again = el("button", { type: "button", class: "quiz-again", onclick: reset }, "Start again");

    function tell() {
      const chosen = questions.map(({ options }, number) => options[choices[number]]).filter(Boolean);
      const right = chosen.filter((option) => option.classList.contains("right")).length;
      const left = questions.length - chosen.length;
      score.textContent = !chosen.length
        ? "Your first choice counts. The score stays in this browser."
        : left
          ? `${right} of ${chosen.length} right so far, ${left} to go.`
          : `${right} of ${questions.length} right.`;
      again.hidden = !chosen.length;
    }

    function choose(number, option) {
      if (option.open || choices[number] !== undefined) return; // it closes, or another was chosen before
      choices[number] = questions[number].options.indexOf(option);
      save(choices);
      mark(questions[number], choices[number]);
      tell();
    }

    function reset() {
      choices = {};
      save(choices);
      for (const each of questions) {
        each.options.forEach((option) => (option.open = false));
        mark(each);
        each.shuffle(random);
      }
      tell();
      questions[0].options[0].parentNode.querySelector("summary").focus();
    }

    questions.forEach((each, number) => {
      each.shuffle(random);
      mark(each, choices[number]);
      for (const option of each.options)
        option.querySelector("summary").addEventListener("click", () => choose(number, option)); // keys click, too
    });
    questions.at(-1).box.after(el("div", { class: "quiz-score" }, score, again));
    tell();
    addEventListener("beforeprint", () => questions.forEach(({ asWritten }) => asWritten()));
    addEventListener("afterprint", () => questions.forEach(({ asShown }) => asShown()));
  }

  start();
})(globalThis.bookParts);
