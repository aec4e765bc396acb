// Play the funnel: twelve weeks with one customer, six actions, and what each choice gave up against the best plan.
//
// <div class="play-funnel" data-customer="0" data-seed="1">what is there while scripts are off</div>
(function (book) {
  "use strict";
  const { el, unseen, money } = book;
  const { game: gameOf, ACTIONS, WAIT, FRESH } = book.funnel;

  const NAMES = ["email", "call", "demo", "survey", "wait", "account manager"];
  const SHORT = ["E", "C", "D", "S", "W", "M"];
  const MILESTONES = ["first call", "demo", "survey", "signup", "manager met"];
  const INTEREST = ["cold", "cooler", "fresh"];
  const CHANNELS = ["none", "written", "spoken", "shown"];
  const FATIGUE = ["0", "1", "2 or more"];
  const NOTHING = 0.005; // dollars: less than what is shown

  // How well a channel reaches a customer, in words; 1 is average.
  const reach = (affinity) =>
    ["poor", "low", "fair", "good", "high"][[0.2, 0.75, 1.5, 3].filter((level) => affinity >= level).length];
  const capital = (text) => text[0].toUpperCase() + text.slice(1);
  const bits = (milestones) => MILESTONES.filter((_, bit) => (milestones >> bit) & 1);

  function make(place) {
    const world = book.funnelWorld, { rules } = world;
    const firstSeed = Number(place.dataset.seed || 1);
    const regrets = []; // of the games so far
    let number = 0; // of the game; its luck is that of seed firstSeed + number
    let customer = Number(place.dataset.customer || 0);
    let model, plan, waiting, state, luck, record;

    // ---- The pieces of the page that change ----

    const group = book.freshId();
    const picked = el("p", { class: "play-who" });
    const weeks = el("div", { class: "play-weeks", role: "img" });
    const chips = el("ul", { class: "play-milestones", "aria-label": "Milestones" });
    const facts = el("dl", { class: "play-facts" });
    const said = el("p", { class: "play-said", role: "status" });
    const result = el("div", { class: "play-result", role: "region", "aria-label": "Result", tabindex: "-1", hidden: true });
    const buttons = NAMES.map((name, action) =>
      el("button", { type: "button", class: "play-action", onclick: () => choose(action) }));
    const actions = el("div", { class: "play-actions", role: "group", "aria-label": "Actions", onkeydown: byNumber }, buttons);
    const hints = el("input", { type: "checkbox", onchange: drawActions });

    const chooser = el("fieldset", { class: "play-chooser" }, el("legend", {}, "Customer"), world.customers.map((one, i) =>
      el("label", {}, el("input", {
        type: "radio", name: group, value: i, checked: i === customer,
        onchange: () => { customer = i; begin(number); },
      }), one.name)));

    // ---- Playing ----

    function begin(which) {
      number = which;
      model = gameOf(world, world.customers[customer]);
      plan = waiting = undefined; // worked out when they are first asked for
      state = model.start();
      record = [];
      const random = book.generator(firstSeed + number);
      luck = Array.from({ length: rules.weeks }, () => Array.from({ length: 7 }, random));
      result.hidden = true;
      actions.hidden = false;
      said.textContent = "Week 1: choose an action.";
      draw();
    }

    const best = () => (plan ??= model.solve());
    const values = () => model.actionValues(best(), state);

    function choose(action) {
      const q = values(), top = Math.max(...q);
      const outcome = model.step(state, action, luck[state.week]);
      record.push({ before: state, action, best: q.indexOf(top), regret: top - q[action], ...outcome });
      state = outcome.state;
      said.textContent = `Week ${state.week}, ${NAMES[action]}: ${happened(record.at(-1))}`;
      draw();
      if (outcome.over) finish();
    }

    // The keys 1 to 6 choose while an action has the focus.
    function byNumber(event) {
      const action = "123456".indexOf(event.key);
      if (action < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      choose(action);
    }

    function happened({ before, state: after, subscribed, lost }) {
      const news = bits(after.milestones & ~before.milestones);
      const said = news.length ? [news.join(", ")] : [];
      if (subscribed) said.push("they subscribed!");
      else if (lost) said.push("they opted out, and are lost.");
      else if (news.length) said.push("interest is fresh.");
      else said.push(after.interest < before.interest ? "nothing happened, and interest cools." : "nothing happened.");
      return said.join("; ");
    }

    const eventful = (week) => week.subscribed || week.lost || week.state.milestones !== week.before.milestones;

    // The same weeks, and the same luck, with the best plan.
    function bestEpisode() {
      let at = model.start(), earned = 0, path = [], outcome;
      do {
        const q = model.actionValues(best(), at), action = q.indexOf(Math.max(...q));
        outcome = model.step(at, action, luck[at.week]);
        earned += outcome.reward;
        path.push(action);
        at = outcome.state;
      } while (!outcome.over);
      return { earned, path, ...outcome };
    }

    // ---- Drawing ----

    function draw() {
      const who = world.customers[customer];
      picked.replaceChildren(
        el("strong", {}, `Game ${number + 1}`), ` · ${who.inbound ? "They made the first contact." : "You made the first contact."} ` +
        `A subscription is worth ${money(rules.value, 0)}.`);
      weeks.replaceChildren(...Array.from({ length: rules.weeks }, (_, week) => {
        const past = record[week], now = week === state.week && !record.at(-1)?.over;
        const kind = past ? (past.subscribed ? "won" : past.lost ? "lost" : eventful(past) ? "news" : "past") : now ? "now" : "later";
        return el("span", { class: `play-week ${kind}` }, past ? SHORT[past.action] : String(week + 1));
      }));
      weeks.setAttribute("aria-label", record.length
        ? `Weeks so far: ${record.map((week) => NAMES[week.action]).join(", ")}`
        : `${rules.weeks} weeks, none played yet`);
      const subscribed = record.at(-1)?.subscribed;
      chips.replaceChildren(...[...MILESTONES, "subscription"].map((name, bit) => {
        const done = bit < MILESTONES.length ? (state.milestones >> bit) & 1 : subscribed;
        return el("li", { class: done ? "reached" : "" }, done ? "✓ " : "", name, unseen(done ? " (reached)" : " (not yet)"));
      }));
      const spent = record.reduce((sum, week) => sum + rules.actionCost[week.action], 0);
      const fact = (name, value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
      facts.replaceChildren(
        fact("Week", `${Math.min(state.week + 1, rules.weeks)} of ${rules.weeks}`),
        fact("Interest", INTEREST[state.interest]),
        fact("Contacts in a row", FATIGUE[state.fatigue]),
        fact("Last channel", CHANNELS[state.channel]),
        fact("Spent", money(spent)));
      drawActions();
    }

    function drawActions() {
      const playing = !record.at(-1)?.over;
      const q = playing && hints.checked ? values() : null;
      buttons.forEach((button, action) => {
        const affinity = world.customers[customer].affinity[action];
        const loss = q && Math.max(...q) - q[action];
        const words = action === WAIT ? "lets them rest" : `reach: ${reach(affinity)}`;
        button.replaceChildren(
          el("span", { class: "play-name" }, el("kbd", { "aria-hidden": "true" }, String(action + 1)), capital(NAMES[action])),
          el("span", { class: "play-reach" }, words),
          el("span", { class: "play-cost" }, rules.actionCost[action] ? money(rules.actionCost[action]) : "free"),
          ...(q ? [el("span", { class: `play-hint${loss < NOTHING ? " best" : ""}` }, loss < NOTHING ? "best" : `gives up ${money(loss)}`)] : []));
      });
    }

    function finish() {
      const total = record.reduce((sum, week) => sum + week.regret, 0);
      const earned = record.reduce((sum, week) => sum + week.reward, 0);
      const most = record.reduce((a, b) => (b.regret > a.regret ? b : a));
      const end = record.at(-1), other = bestEpisode();
      const first = best().value[0][book.funnel.situation(model.start().milestones, 0, 0, FRESH)];
      const alone = (waiting ??= model.solve(WAIT)).value[0][book.funnel.situation(model.start().milestones, 0, 0, FRESH)];
      regrets.push(total);

      const ending = end.subscribed ? `They subscribed in week ${state.week}.` : end.lost ? `You lost them in week ${state.week}.` : "Twelve weeks are over, without a subscription.";
      const verdict = total < NOTHING
        ? [el("strong", {}, "No regret: "), "every choice was the best one there was."]
        : ["Your choices gave up ", el("strong", { class: "play-total" }, money(total)),
           `. The costliest was in week ${most.before.week + 1}: ${NAMES[most.action]} instead of ${NAMES[most.best]} (${money(most.regret)}).`];
      const ends = other.subscribed ? `a subscription in week ${other.state.week}` : other.lost ? `a lost customer in week ${other.state.week}` : "no subscription";
      const widest = Math.max(...record.map((week) => week.regret), NOTHING);

      const rows = record.map((week, i) => el("tr", {},
        el("th", { scope: "row" }, String(i + 1)),
        el("td", {}, capital(NAMES[week.action]), ...(eventful(week) ? [el("span", { class: "play-happened" }, capital(happened(week)))] : [])),
        el("td", {}, week.regret < NOTHING ? "same" : NAMES[week.best]),
        el("td", { class: "play-regret" }, money(week.regret),
          el("span", { class: "play-bar", "aria-hidden": "true", style: `width: ${(100 * week.regret) / widest}%` }))));
      result.replaceChildren(
        el("p", { class: "play-title" }, `${ending} You earned ${money(earned)}.`),
        el("p", {}, "Luck had a large say in that. Regret leaves luck out: each week it is what the best action was worth on average, minus what yours was. ", ...verdict),
        el("table", {},
          el("caption", {}, "Your choices beside the best action in the same situation"),
          el("thead", {}, el("tr", {}, ["Week", "You", "Best", "Regret"].map((name) => el("th", { scope: "col" }, name)))),
          el("tbody", {}, rows),
          el("tfoot", {}, el("tr", {}, el("th", { scope: "row", colspan: "3" }, "Total"), el("td", { class: "play-regret" }, money(total))))),
        el("p", {}, `From the start, with this customer, the best plan earns ${money(first)} on average, and waiting for twelve weeks ${money(alone)}. ` +
          `On your luck the best plan would have earned ${money(other.earned)}, with ${ends}.`),
        el("p", { class: "play-tally" }, `Regret of your games so far: ${regrets.map((regret) => money(regret, 0)).join(", ")}.`));
      result.dataset.total = total;
      result.dataset.regrets = JSON.stringify(record.map((week) => week.regret));
      actions.hidden = true;
      result.hidden = false;
      result.focus({ preventScroll: true });
      result.scrollIntoView({ block: "nearest" });
    }

    // ---- Putting it together ----

    const percent = (share) => `${Math.round(100 * share)}%`;
    const help = el("details", { class: "play-rules" }, el("summary", {}, "The rules, in five points"), el("ul", {}, [
      "Each week a milestone, or the subscription, may happen by itself. An action raises the chance of what it is aimed at, and of the rest a little; " +
        "by how much depends on how well the channel reaches this customer: the buttons say it. Email is aimed at the signup; call, demo and survey at the milestone of the same name; " +
        "the account manager at the meeting and at the subscription.",
      "They must be ready. Before a first call, nothing that you do makes a demo likelier; before the signup, nothing makes the meeting or the subscription likelier.",
      `Don't repeat yourself. A channel that you used last week has ${percent(rules.repeated)} of its effect. Email and survey are both written, call and account manager both spoken.`,
      `Interest cools in each week in which nothing happens: your actions keep ${rules.interest.map(percent).reverse().join(", then ")} of their effect. A milestone makes it fresh again.`,
      `Any contact may lose them for good. Through a channel that does not suit them at all, the chance is ${percent(rules.optOut[0])}, and after one or two contacts in a row ${rules.optOut.slice(1).map(percent).join(" or ")}; through one that suits them well it is next to nothing. A week of waiting takes one off the contacts in a row.`,
    ].map((rule) => el("li", {}, rule))));

    begin(0);
    return el("div", { class: "part play", role: "group", "aria-label": "Play the funnel" },
      chooser, picked, help, weeks, chips, facts, actions, said, result,
      el("div", { class: "part-row" },
        el("button", { type: "button", class: "part-button play-new", onclick: () => again(number + 1) }, "New game"),
        el("button", { type: "button", class: "part-button play-again", onclick: () => again(number) }, "Same luck again"),
        el("label", { class: "part-check" }, hints, "Show what each action gives up")));

    function again(which) {
      begin(which);
      buttons[0].focus();
    }
  }

  book.start("play-funnel", make);
})((globalThis.bookParts ??= {}));
