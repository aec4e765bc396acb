// Practise for interviews: choose by topic and level, one question at a time with boxes that a known question climbs,
// and a mock interview. It works on the list of questions that Sphinx made; without this script that list is the page.
(function (book) {
  "use strict";

  const { el, generator } = book;

  const place = document.getElementById("practice");
  if (!place) return;

  const STORE = "interview questions";
  const REST = [0, 1, 3, 7, 14, 30]; // days that a question rests in box 0 (again), 1, 2, ...
  const DRAWN = 6;
  const RUBRIC = [
    "I said the main point first, and it was right.",
    "I stayed clear of the common wrong answer.",
    "I could answer the next question, or gave an example.",
    "I kept to the time, in whole sentences.",
  ];

  const today = () => globalThis.bookToday ?? Math.floor(Date.now() / 864e5 - new Date().getTimezoneOffset() / 1440);
  const random = generator(globalThis.bookPracticeSeed ?? Date.now());

  // The marks: a question's id, its box, and the day from which it is due.
  let marks = {};
  try {
    marks = JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    // The browser keeps nothing, or something else.
  }

  function save() {
    try {
      localStorage.setItem(STORE, JSON.stringify(marks));
    } catch {
      // Then the marks last as long as the page.
    }
  }

  const cards = [...document.querySelectorAll("details.card-question")].map((details) => {
    const section = details.closest("section");
    const of = (start) => [...details.classList].find((name) => name.startsWith(start)).slice(start.length);
    const badge = el("span", { class: "card-mark" });
    details.querySelector("summary .sd-summary-text").append(badge);
    const home = document.createComment("");
    details.before(home);
    const card = { details, section, home, badge, level: of("level-"), minutes: Number(of("minutes-")) };
    card.id = details.id || details.querySelector("[id^=card-]")?.id || details.previousElementSibling?.id;
    details.addEventListener("toggle", () => details.open && opened(card));
    return card;
  });
  const sections = [...new Set(cards.map(({ section }) => section))];
  const titleOf = (section) => section.querySelector("h2").firstChild.textContent.trim();

  // ---- Marks ---------------------------------------------------------------------------------------------------------

  const isDue = (card) => card.id in marks && marks[card.id].due <= today();

  function mark(card, known) {
    const box = known ? Math.min((marks[card.id]?.box ?? 0) + 1, REST.length - 1) : 0;
    marks[card.id] = { box, due: today() + REST[box] };
    save();
    showMark(card);
  }

  function showMark({ id, badge }) {
    const box = marks[id]?.box;
    badge.className = `card-mark ${box ? "known" : "again"}`;
    badge.textContent = box === undefined ? "" : box ? `✓ known, box ${box}` : "↻ again";
  }

  // Below an answer: the two marks. In a mock interview the rubric stands there instead.
  function opened(card) {
    if (run?.opened) return run.opened(card);
    card.bar ??= el(
      "div",
      { class: "card-bar", role: "group", "aria-label": "How was it?" },
      el("button", { type: "button", onclick: () => answered(card, true) }, "I knew it"),
      el("button", { type: "button", onclick: () => answered(card, false) }, "Again"),
    );
    card.details.querySelector(".sd-summary-content").append(card.bar);
  }

  function answered(card, known) {
    mark(card, known);
    if (run) return run.answered(card, known);
    card.details.open = false;
    card.details.querySelector("summary").focus();
    show();
  }

  // ---- The choice of questions ---------------------------------------------------------------------------------------

  const choice = (id, label, options) => {
    const field = el("select", { id: `practice-${id}`, onchange: show });
    field.append(...options.map(([value, text]) => el("option", { value }, text)));
    return [field, el("label", { for: field.id }, label, field)];
  };
  const [topic, topicLabel] = choice("topic", "Topic", [
    ["", "all topics"],
    ...sections.map((section, number) => [String(number), titleOf(section)]),
  ]);
  const levels = ["screen", "core", "senior"];
  const [level, levelLabel] = choice("level", "Level", [["", "all levels"], ...levels.map((each) => [each, each])]);
  const [which, whichLabel] = choice("which", "Show", [
    ["", "all"],
    ["due", "due today"],
    ["again", "to repeat"],
    ["new", "not marked yet"],
    ["known", "known"],
  ]);
  const fits = {
    "": () => true,
    due: isDue,
    again: ({ id }) => marks[id]?.box === 0,
    new: ({ id }) => !(id in marks),
    known: ({ id }) => marks[id]?.box > 0,
  };

  const ofTopicAndLevel = (card) =>
    (!topic.value || sections[topic.value] === card.section) && (!level.value || card.level === level.value);
  const chosen = () => cards.filter((card) => ofTopicAndLevel(card) && fits[which.value](card));

  const status = el("p", { role: "status", class: "practice-status" });
  const button = (text, onclick) => el("button", { type: "button", onclick }, text);
  const one = button("One at a time", () => begin(oneAtATime));
  const mock = button(`Mock interview (${DRAWN} questions)`, () => begin(mockInterview));
  const forget = button("Forget all marks", () => {
    if (!confirm("Forget which questions you knew?")) return;
    marks = {};
    save();
    cards.forEach(showMark);
    show();
    one.focus();
  });
  const find = el(
    "div",
    { class: "practice-find", role: "search", "aria-label": "Questions" },
    [topicLabel, levelLabel, whichLabel, el("div", { class: "practice-buttons" }, one, mock, forget)],
  );
  const stage = el("div", { class: "practice-stage", hidden: true });
  place.append(find, status, stage);

  function show() {
    const shown = new Set(chosen());
    for (const card of cards) card.details.hidden = !shown.has(card);
    for (const section of sections) section.hidden = !cards.some((card) => card.section === section && shown.has(card));
    const count = (list) => list.length;
    const known = count(cards.filter(fits.known));
    const again = count(cards.filter(fits.again));
    status.textContent = shown.size
      ? `${shown.size} of ${cards.length} questions; ${known} known, ${again} to repeat, ${count(cards.filter(isDue))} due today.`
      : "No question is chosen: choose another topic, level or state.";
    one.disabled = mock.disabled = !shown.size;
    forget.hidden = !Object.keys(marks).length;
  }

  // ---- A run: some questions on the stage, one after the other ---------------------------------------------------------

  let run = null;

  function begin(make) {
    const questions = chosen();
    find.hidden = true;
    stage.hidden = false;
    sections.forEach((section) => (section.hidden = true));
    run = make(questions);
    run.next();
  }

  function end() {
    run?.stop?.();
    run = null;
    clear();
    stage.hidden = true;
    find.hidden = false;
    show();
    one.focus();
  }

  // Put the question on the stage back into its place in the list.
  function clear() {
    for (const card of cards)
      if (card.details.parentNode === stage) {
        card.details.open = false;
        card.bar?.remove();
        card.home.after(card.details);
      }
    stage.replaceChildren();
  }

  function put(card, title, ...more) {
    clear();
    card.details.hidden = false;
    card.details.open = false;
    const info = `${titleOf(card.section)}, ${card.level}, ${card.minutes} min`;
    const heading = el("p", { class: "practice-title", id: "practice-title" }, el("strong", {}, title), ` ${info}`);
    stage.append(heading, card.details, ...more, button("Stop", end));
    card.details.querySelector("summary").focus();
  }

  // Spaced repetition: what is due, lower boxes first, then new questions, then the rest; "again" comes back at the end.
  function oneAtATime(questions) {
    const rank = (card) => (isDue(card) ? marks[card.id].box : card.id in marks ? 20 : 10);
    const queue = questions.map((card) => [rank(card), random(), card]);
    queue.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const left = queue.map(([, , card]) => card);
    let done = 0;
    return {
      next() {
        if (!left.length) return finished(`Done: ${done} answers.`);
        put(left[0], `${left.length} to go.`);
        status.textContent = "Say your answer aloud, then open the question.";
      },
      answered(card, known) {
        left.shift();
        done += 1;
        if (!known) left.push(card);
        this.next();
      },
    };
  }

  function finished(text, ...more) {
    clear();
    stage.append(el("p", { class: "practice-title", tabindex: "-1" }, el("strong", {}, text)), ...more, button("Back to the list", end));
    stage.firstChild.focus();
    status.textContent = "";
  }

  // Six questions of as many topics as there are, each with its time, and a rubric once the answer is open.
  function mockInterview(questions) {
    const drawn = draw(questions);
    const results = [];
    const clock = el("p", { class: "practice-clock", role: "timer", "aria-label": "Time left" });
    let ticking, since, limit;

    function tick() {
      const left = limit - Math.floor((Date.now() - since) / 1000);
      const size = Math.abs(left);
      clock.textContent = `${left < 0 ? "−" : ""}${Math.floor(size / 60)}:${String(size % 60).padStart(2, "0")}`;
      clock.classList.toggle("over", left < 0);
      if (left === 0) status.textContent = "Time is up: finish your sentence, then open the question.";
    }

    return {
      next() {
        clearInterval(ticking);
        const card = drawn[results.length];
        if (!card) return summary();
        put(card, `Question ${results.length + 1} of ${drawn.length}.`, clock);
        status.textContent = "Answer aloud. Open the question when you have finished.";
        since = Date.now();
        limit = 60 * card.minutes;
        tick();
        ticking = setInterval(tick, 1000);
      },
      opened(card) {
        if (card !== drawn[results.length] || stage.querySelector(".practice-rubric")) return;
        clearInterval(ticking);
        const boxes = RUBRIC.map((text) => {
          const input = el("input", { type: "checkbox" });
          return [input, el("label", {}, input, ` ${text}`)];
        });
        const next = button(results.length + 1 < drawn.length ? "Next question" : "See the result", () => {
          const points = boxes.filter(([input]) => input.checked).length;
          results.push([card, points]);
          mark(card, points >= 3);
          run.next();
        });
        const legend = el("legend", {}, "Score yourself, a point each");
        const rubric = el("fieldset", { class: "practice-rubric" }, legend, boxes.map(([, label]) => label), next);
        card.details.after(rubric);
        status.textContent = "Compare, then score yourself.";
      },
      answered() {},
      stop() {
        clearInterval(ticking);
      },
    };

    function summary() {
      const points = results.reduce((sum, [, each]) => sum + each, 0);
      const text = (card) => card.details.querySelector(".sd-summary-text").firstChild.textContent.trim();
      const list = results.map(([card, each]) => el("li", {}, `${each} of ${RUBRIC.length}: ${text(card)}`));
      const note = el("p", {}, "Questions with less than three points are marked to be repeated.");
      finished(`${points} of ${RUBRIC.length * results.length} points.`, el("ol", {}, list), note);
    }
  }

  // Some questions at random: of another topic each time, until every topic had its turn.
  function draw(questions) {
    const pool = questions.map((card) => [random(), card]).sort((a, b) => a[0] - b[0]);
    const used = new Map();
    const drawn = [];
    while (drawn.length < DRAWN && pool.length) {
      const least = Math.min(...pool.map(([, card]) => used.get(card.section) ?? 0));
      const at = pool.findIndex(([, card]) => (used.get(card.section) ?? 0) === least);
      const [[, card]] = pool.splice(at, 1);
      used.set(card.section, least + 1);
      drawn.push(card);
    }
    return drawn;
  }

  cards.forEach(showMark);
  show();
})(globalThis.bookParts);
