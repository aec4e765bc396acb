// The responsive world for one customer, and the exact value of every action in it: no page, no luck of its own.
//
// It says again what crm_rl/worlds/responsive.py and crm_rl/planning/model.py say; tests/test_interactive.py compares
// the two. Milestones are bits: call 1, demo 2, survey 4, signup 8, meeting with the account manager 16.
(function (book) {
  "use strict";

  const MILESTONES = 5, PATTERNS = 32, SUBSCRIPTION = 5;
  const FATIGUES = 3, CHANNELS = 4, INTERESTS = 3, FRESH = 2;
  const ACTIONS = 6, WAIT = 4;

  // By pattern of milestones, itself and every pattern that has more.
  const SUPERSETS = Array.from({ length: PATTERNS }, (_, m) =>
    Array.from({ length: PATTERNS }, (_, more) => more).filter((more) => (more & m) === m));

  const situation = (milestones, fatigue, channel, interest) =>
    ((milestones * FATIGUES + fatigue) * CHANNELS + channel) * INTERESTS + interest;
  const situationOf = (state) => situation(state.milestones, state.fatigue, state.channel, state.interest);
  const tire = (fatigue, action) => (action === WAIT ? Math.max(0, fatigue - 1) : Math.min(fatigue + 1, FATIGUES - 1));

  // The game of one customer: `world` is what customers.js holds, `customer` one of its customers.
  function game(world, customer) {
    const { rules, quiet } = world;
    const { weeks, channel: channelOf } = rules;

    // The share of an action's lift that is left by last week's channel and by how fresh interest is.
    const force = (again, interest) => rules.interest[interest] * (again ? rules.repeated : 1);

    function eventChance(event, milestones, action, strength) {
      let adds = rules.lift * rules.drives[action][event] * customer.affinity[action] * strength;
      if ((milestones & rules.needs[event]) !== rules.needs[event]) adds *= rules.unready;
      return -Math.expm1(quiet[customer.inbound][milestones][event] + adds * quiet[0][milestones][event]);
    }

    const optOutChance = (fatigue, action) =>
      action === WAIT ? 0 : rules.optOut[fatigue] * Math.exp(-customer.affinity[action]);

    // What a week brings: the chance of a subscription, and of each pattern in SUPERSETS[milestones] after it.
    function prospects(milestones, action, interest, again) {
      const strength = force(again, interest);
      const chances = new Float64Array(PATTERNS);
      chances[milestones] = 1;
      for (let event = 0; event < MILESTONES; event++) {
        if ((milestones >> event) & 1) continue;
        const p = eventChance(event, milestones, action, strength);
        for (let pattern = 0; pattern < PATTERNS; pattern++) {
          if ((pattern >> event) & 1) continue;
          chances[pattern | (1 << event)] = chances[pattern] * p;
          chances[pattern] *= 1 - p;
        }
      }
      return {
        subscribes: eventChance(SUBSCRIPTION, milestones, action, strength),
        follows: SUPERSETS[milestones].map((pattern) => chances[pattern]),
      };
    }

    // Backward induction, from the last week to the first. Returns q[week][situation * 6 + action] and
    // value[week][situation], in dollars, for the best policy; or, given `only`, for always taking that action.
    function solve(only) {
      const situations = PATTERNS * FATIGUES * CHANNELS * INTERESTS;
      const q = Array.from({ length: weeks }, () => new Float64Array(situations * ACTIONS).fill(NaN));
      const value = Array.from({ length: weeks }, () => new Float64Array(situations).fill(-Infinity));
      const actions = only === undefined ? [...Array(ACTIONS).keys()] : [only];
      const known = []; // prospects are the same every week
      for (let week = weeks - 1; week >= 0; week--)
        for (let m = 0; m < PATTERNS; m++)
          for (const action of actions)
            for (let interest = 0; interest < INTERESTS; interest++)
              for (const again of [false, true]) {
                const key = ((m * ACTIONS + action) * INTERESTS + interest) * 2 + again;
                const ahead = (known[key] ??= prospects(m, action, interest, again));
                for (let fatigue = 0; fatigue < FATIGUES; fatigue++) {
                  const worth = actionValue(m, fatigue, interest, action, ahead, value[week + 1]);
                  for (let channel = 0; channel < CHANNELS; channel++) {
                    if ((channelOf[action] === channel) !== again) continue;
                    const here = situation(m, fatigue, channel, interest);
                    q[week][here * ACTIONS + action] = worth;
                    if (worth > value[week][here]) value[week][here] = worth;
                  }
                }
              }
      return { q, value };
    }

    // The value of an action, from next week's values; `later` is missing in the last week.
    function actionValue(m, fatigue, interest, action, { subscribes, follows }, later) {
      const now = subscribes * rules.value - rules.actionCost[action];
      if (!later) return now;
      const tired = tire(fatigue, action), used = channelOf[action];
      let future = follows[0] * later[situation(m, tired, used, Math.max(0, interest - 1))];
      for (let i = 1; i < follows.length; i++)
        future += follows[i] * later[situation(SUPERSETS[m][i], tired, used, FRESH)];
      return now + (1 - subscribes) * (1 - optOutChance(fatigue, action)) * future;
    }

    const start = () => ({ week: 0, milestones: customer.start, fatigue: 0, channel: 0, interest: FRESH });

    // One week. `luck` holds seven numbers in [0, 1): one an event, the last for opting out.
    function step(state, action, luck) {
      const strength = force(channelOf[action] === state.channel, state.interest);
      const subscribed = luck[SUBSCRIPTION] < eventChance(SUBSCRIPTION, state.milestones, action, strength);
      let milestones = state.milestones;
      for (let event = 0; event < MILESTONES; event++)
        if (!((state.milestones >> event) & 1) && luck[event] < eventChance(event, state.milestones, action, strength))
          milestones |= 1 << event;
      const lost = luck[SUBSCRIPTION + 1] < optOutChance(state.fatigue, action);
      const after = {
        week: state.week + 1,
        milestones,
        fatigue: tire(state.fatigue, action),
        channel: channelOf[action],
        interest: milestones !== state.milestones ? FRESH : Math.max(0, state.interest - 1),
      };
      return {
        state: after,
        reward: (subscribed ? rules.value : 0) - rules.actionCost[action],
        subscribed,
        lost: lost && !subscribed,
        over: subscribed || lost || after.week >= weeks,
      };
    }

    // What each action is worth in a state, in dollars.
    const actionValues = (plan, state) => {
      const first = situationOf(state) * ACTIONS;
      return Array.from(plan.q[state.week].subarray(first, first + ACTIONS));
    };

    return { start, step, solve, actionValues };
  }

  book.funnel = { game, situation, MILESTONES, ACTIONS, WAIT, FRESH };
})((globalThis.bookParts ??= {}));
