// The Q-table stepper: a three-week funnel of four states and three actions, learned one update at a time.
//
// <div class="q-stepper" data-seed="1" data-alpha="0.1" data-epsilon="0.5">what is there while scripts are off</div>
(function (book) {
  "use strict";
  const { el, unseen } = book;

  // ---- The funnel: every number of it ----

  const STATES = ["week 1, new", "week 2, new", "week 2, signed up", "week 3, signed up"];
  const ACTIONS = ["email", "manager", "wait"];
  const COST = [1, 20, 0]; // dollars
  const SIGN_UP = [0.5, 0.1, 0.1]; // by action, the chance that a new customer signs up
  const SUBSCRIBE = [0.1, 0.5, 0]; // by action, the chance that a customer who has signed up subscribes
  const VALUE = 100; // of a subscription, in dollars
  const OVER = -1;

  // What can follow an action: [chance, reward, next state]. Who has not signed up after two weeks leaves.
  function outcomes(state, action) {
    const signedUp = state >= 2;
    const p = (signedUp ? SUBSCRIBE : SIGN_UP)[action];
    const yes = signedUp ? OVER : state + 2, no = [1, OVER, 3, OVER][state];
    return [[p, (signedUp ? VALUE : 0) - COST[action], yes], [1 - p, -COST[action], no]];
  }

  // The value of each action when `policy(state, q)` gives the value of what comes next; the last states come first.
  function valuesOf(policy) {
    const q = STATES.map(() => []);
    for (const state of [3, 2, 1, 0])
      ACTIONS.forEach((_, action) => {
        q[state][action] = outcomes(state, action).reduce(
          (sum, [p, reward, next]) => sum + p * (reward + (next === OVER ? 0 : policy(next, q[next]))), 0);
      });
    return q;
  }
  const best = valuesOf((_, row) => Math.max(...row));
  const optimum = Math.max(...best[0]);
  const greedy = (row) => ACTIONS.map((_, action) => action).filter((action) => row[action] === Math.max(...row));

  // What following a table earns from the start; equal entries are chosen alike often.
  function worth(table) {
    const follow = (state, row) => greedy(table[state]).reduce((sum, action, _, all) => sum + row[action] / all.length, 0);
    return follow(0, valuesOf(follow)[0]);
  }

  // ---- The learner ----

  function learner(seed) {
    const random = book.generator(seed);
    const table = STATES.map(() => ACTIONS.map(() => 0));
    let state = 0, episodes = 0, updates = 0;

    // One transition and one update.
    function step(alpha, epsilon) {
      const before = state;
      const explored = random() < epsilon;
      const choices = explored ? ACTIONS.map((_, action) => action) : greedy(table[before]);
      const action = choices[Math.floor(random() * choices.length)];
      const [yes, no] = outcomes(before, action);
      const happened = random() < yes[0];
      const [, reward, next] = happened ? yes : no;
      const future = next === OVER ? 0 : Math.max(...table[next]);
      const old = table[before][action], target = reward + future;
      table[before][action] = old + alpha * (target - old);
      updates++;
      if (next === OVER) episodes++;
      state = next === OVER ? 0 : next;
      return { before, action, explored, happened, reward, next, future, old, target, alpha, value: table[before][action] };
    }
    return { table, step, at: () => state, episodes: () => episodes, updates: () => updates };
  }

  // ---- The page ----

  const number = (value) => (Math.abs(value) < 0.005 ? "0.00" : value.toFixed(2).replace("-", "−"));
  const bracketed = (value) => (value <= -0.005 ? `(${number(value)})` : number(value));
  const dollars = (value) => (value < 0 ? "−$" : "$") + Math.abs(value);

  function make(place) {
    const seed = el("input", { type: "number", min: "0", max: "9999", value: place.dataset.seed || "1", onchange: reset });
    const alpha = slider("Learning rate α", place.dataset.alpha || "0.1", 0.05);
    const epsilon = slider("Exploration ε", place.dataset.epsilon || "0.5", 0);
    const table = el("table", { class: "q-table" });
    const said = el("div", { class: "q-said", role: "status" });
    const summary = el("p", { class: "q-summary" });
    const drawing = el("div");
    const curve = el("figure", { class: "q-curve" }, drawing, el("figcaption", {},
      "What the greedy policy of the table earns a customer, after each update. Dashed: the best policy."));
    let agent, last, history;

    function slider(name, value, min) {
      const output = el("span", {}, Number(value).toFixed(2));
      const input = el("input", { type: "range", min, max: 1, step: 0.05, value,
        oninput: () => { output.textContent = Number(input.value).toFixed(2); } });
      return { label: el("label", {}, el("span", {}, name, " = ", output), input), value: () => Number(input.value) };
    }

    function reset() {
      agent = learner(Number(seed.value) || 0);
      last = null;
      history = [worth(agent.table)];
      said.replaceChildren(el("p", {}, "A table of zeros. The first step is a new customer's first week."));
      draw();
    }

    function run(steps) {
      for (let i = 0; i < steps; i++) {
        last = agent.step(alpha.value(), epsilon.value());
        history.push(worth(agent.table));
      }
      tell(steps);
      draw();
    }

    // The last update, written out with its numbers.
    function tell(steps) {
      const { before, action, explored, happened, reward, next, future, old, target, alpha: rate, value } = last;
      const event = before < 2 ? (happened ? "They sign up" : "They don't sign up") : happened ? "They subscribe" : "They don't subscribe";
      const then = next === OVER ? ", and the episode is over" : `; next comes ${STATES[next]}`;
      const line = (name, ...rest) => el("p", { class: "q-line" }, el("span", { class: "q-lead" }, name), ...rest);
      said.replaceChildren(
        el("p", {}, steps > 1 ? `${steps} updates. The last of them: ` : `Update ${agent.updates()}: `,
          el("strong", {}, `${STATES[before]}, ${ACTIONS[action]}`), explored ? " (at random). " : " (greedy). ",
          `${event}${then}. Reward ${dollars(reward)}.`),
        line("target", next === OVER
          ? `= reward + 0 = ${number(target)}`
          : `= reward + largest of the next row = ${number(reward)} + ${bracketed(future)} = ${number(target)}`),
        line("new value", `= old + α × (target − old) = ${number(old)} + ${rate.toFixed(2)} × (${number(target)} − ${bracketed(old)}) = `,
          el("strong", {}, number(value))));
    }

    function draw() {
      table.replaceChildren(
        el("caption", {}, "The Q-table, in dollars; below each entry its exact value"),
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "State"), ACTIONS.map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, STATES.map((name, state) => {
          const here = agent.at() === state, top = greedy(agent.table[state]);
          return el("tr", { class: here ? "here" : "" },
            el("th", { scope: "row" }, name, here ? unseen(" (the next step starts here)") : ""),
            ACTIONS.map((_, action) => {
              const updated = last && last.before === state && last.action === action;
              const chosen = top.length === 1 && top[0] === action;
              return el("td", { class: `${updated ? "updated" : ""} ${chosen ? "chosen" : ""}` },
                el("span", { class: "q-value" }, number(agent.table[state][action])),
                unseen(`${updated ? ", just updated" : ""}${chosen ? ", largest of its row" : ""}; exact: `),
                el("span", { class: "q-exact" }, number(best[state][action])));
            }));
        })));
      const now = history.at(-1);
      summary.textContent = `${agent.updates()} updates, ${agent.episodes()} episodes over. The greedy policy of this table earns ` +
        `$${number(now)} a customer; the best policy earns $${number(optimum)}.`.replace("$−", "−$");
      plot();
    }

    // What the greedy policy earns, by updates, below the optimum.
    function plot() {
      const width = 480, height = 130, left = 46, right = 8, top = 12, bottom = 20;
      const low = Math.min(0, ...history), most = Math.max(20, history.length - 1);
      const x = (i) => left + ((width - left - right) * i) / most;
      const y = (value) => top + ((height - top - bottom) * (optimum - value)) / (optimum - low);
      const points = history.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
      const across = (value, name) => `<line class="${name}" x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}"/>`;
      const text = (words, at, height, anchor) => `<text x="${at}" y="${height}" text-anchor="${anchor}">${words}</text>`;
      drawing.innerHTML =
        `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="What the greedy policy earns: ${number(history.at(-1))} of ${number(optimum)} dollars after ${agent.updates()} updates">` +
        across(optimum, "q-optimum") + across(0, "q-zero") + `<polyline points="${points}"/>` +
        text(`$${number(optimum)}`, left - 5, y(optimum) + 4, "end") + text("$0", left - 5, y(0) + 4, "end") +
        text("0", left, height - 3, "middle") + text(`${most} updates`, width - right, height - 3, "end") + "</svg>";
    }

    // What there is to know of the funnel, and how its exact values come about.
    const dot = (p, more) => `${p} × ${more}`;
    const exact3 = best[3][1], exact2 = best[2][1];
    const numbers = el("details", {}, el("summary", {}, "The funnel in numbers"), el("ul", {}, [
      `An email costs $${COST[0]}, the account manager $${COST[1]}, waiting nothing. A subscription is worth $${VALUE}. Nothing is discounted.`,
      `A new customer signs up with a chance of ${SIGN_UP[0]} in a week with an email, and of ${SIGN_UP[1]} in any other. They leave if they have not signed up after two weeks.`,
      `A customer who has signed up subscribes with a chance of ${SUBSCRIBE[0]} after an email, ${SUBSCRIBE[1]} after a talk with the manager, and ${SUBSCRIBE[2]} otherwise. After week 3 it is over.`,
      `The exact values go backwards from week 3. The manager is worth ${dot(SUBSCRIBE[1], VALUE)} − ${COST[1]} = ${exact3} there, and ` +
        `${dot(SUBSCRIBE[1], VALUE)} − ${COST[1]} + ${dot(1 - SUBSCRIBE[1], exact3)} = ${exact2} in week 2. In week 2 an email to a new customer is worth ` +
        `${dot(SIGN_UP[0], exact3)} − ${COST[0]} = ${best[1][0]}; and in week 1, ${dot(SIGN_UP[0], exact2)} + ${dot(1 - SIGN_UP[0], best[1][0])} − ${COST[0]} = ${best[0][0]}.`,
    ].map((fact) => el("li", {}, fact))));

    const button = (name, steps, more = "") =>
      el("button", { type: "button", class: `part-button ${more}`, onclick: () => run(steps) }, name);
    const part = el("div", { class: "part stepper", role: "group", "aria-label": "Q-table stepper" },
      el("div", { class: "part-row q-settings" }, alpha.label, epsilon.label, el("label", { class: "q-seed" }, el("span", {}, "Seed"), seed)),
      el("div", { class: "part-row" },
        button("Step", 1, "first q-step"), button("Run 20", 20, "q-run20"), button("Run 500", 500, "q-run500"),
        el("button", { type: "button", class: "part-button q-reset", onclick: reset }, "Reset")),
      said, table, summary, curve, numbers);
    reset();
    return part;
  }

  book.stepper = { STATES, ACTIONS, best, learner, worth };
  book.start("q-stepper", make);
})((globalThis.bookParts ??= {}));
