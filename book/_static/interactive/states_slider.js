// The states slider: seven tables from coarse to fine, how often their rows were tried, and what they get.
//
// <div class="states-slider" data-table="1">what is there while scripts are off</div>
(function (book) {
  "use strict";
  const { el } = book;

  const count = (number) => Math.round(number).toLocaleString("en-US");
  const tries = (number) => (number < 1 ? "less than 1" : count(number));
  const percent = (share) => `${Math.round(100 * share)}%`.replace("-", "−").replace("−0%", "0%");
  const WORLDS = { smooth: "smooth worlds", rough: "rough worlds" };
  const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [480, 250, 54, 14, 14, 42];

  function make(place) {
    const { weeks, tables } = book.stateTables;
    const lowest = Math.min(-0.25, ...tables.flatMap((one) => Object.keys(WORLDS).map((world) => one[world][1])));
    const [first, last] = [0.6 * tables[0].rows, 1.6 * tables.at(-1).rows];
    const x = (rows) => LEFT + ((WIDTH - LEFT - RIGHT) * Math.log(rows / first)) / Math.log(last / first);
    const y = (share) => TOP + ((HEIGHT - TOP - BOTTOM) * (1.05 - share)) / (1.05 - lowest);

    const id = book.freshId();
    const input = el("input", {
      id, type: "range", min: 0, max: tables.length - 1, step: 1, value: place.dataset.table || "1", oninput: draw,
    });
    const name = el("p", { class: "states-name" });
    const facts = el("dl", { class: "states-facts" });
    const drawing = el("div");
    const fact = (term, value) => el("div", {}, el("dt", {}, term), el("dd", {}, value));

    function draw() {
      const at = Number(input.value), one = tables[at];
      const seen = tables.slice(0, at + 1).map((table) => table.sees);
      input.setAttribute("aria-valuetext", `table ${at + 1} of ${tables.length}, with ${one.sees}: ${count(one.rows)} rows, ` +
        Object.keys(WORLDS).map((world) => `${percent(one[world][0])} in ${WORLDS[world]}`).join(", "));
      name.replaceChildren(el("strong", {}, `Table ${at + 1} of ${tables.length}`), ` sees: ${seen.join(", ")}.`);
      facts.replaceChildren(
        fact("Rows possible", count(one.possible)),
        fact("Rows in use", count(one.rows)),
        fact("Tries a row, mean", tries(one.mean)),
        fact("Tries a row, median", tries(one.median)),
        fact("Tried once or never", percent(one.once)),
        ...Object.keys(WORLDS).map((world) => fact(`Share in ${WORLDS[world]}`, percent(one[world][0]))));
      plot(at);
    }

    function plot(at) {
      const line = (style, x1, y1, x2, y2) => `<line class="${style}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
      const text = (words, across, down, anchor) => `<text x="${across}" y="${down}" text-anchor="${anchor}">${words}</text>`;
      const curve = (world, shift) => {
        const centre = (one) => [x(one.rows) + shift, y(one[world][0])];
        const [across, down] = centre(tables[at]), [, low, high] = tables[at][world];
        return `<polyline class="${world}" points="${tables.map(centre).join(" ")}"/>` +
          tables.map((one) => `<circle class="${world}" cx="${centre(one)[0]}" cy="${centre(one)[1]}" r="3"/>`).join("") +
          line(`interval ${world}`, across, y(low), across, y(high)) +
          `<circle class="now ${world}" cx="${across}" cy="${down}" r="6"/>`;
      };
      const key = Object.keys(WORLDS).map((world, i) => `<circle class="now ${world}" cx="${WIDTH - 146}" cy="${TOP + 34 + 20 * i}" r="5"/>` +
        text(WORLDS[world], WIDTH - 134, TOP + 38 + 20 * i, "start")).join("");
      drawing.innerHTML =
        `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Share of the attainable gain against rows in use. Both lines rise to the second table and end below waiting; the optimum is far above. Marked: table ${at + 1}.">` +
        line("optimum", LEFT, y(1), WIDTH - RIGHT, y(1)) + line("waiting", LEFT, y(0), WIDTH - RIGHT, y(0)) +
        text("optimum", LEFT + 4, y(1) + 16, "start") + text("waiting", LEFT + 4, y(0) + 16, "start") +
        [0, 0.5, 1].map((share) => text(percent(share), LEFT - 6, y(share) + 4, "end")).join("") +
        [100, 1000, 10000].map((rows) => text(count(rows), x(rows), HEIGHT - BOTTOM + 16, "middle")).join("") +
        text("rows in use", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "middle") +
        curve("smooth", -4) + curve("rough", 4) + key + "</svg>";
    }

    const part = el("div", { class: "part states", role: "group", "aria-label": "States slider" },
      el("label", { class: "states-slide", for: id }, el("span", {}, "What the table sees, from coarse to fine"), input),
      name, facts,
      el("figure", { class: "states-arch" }, drawing, el("figcaption", {},
        `Share of the attainable gain after ${count(weeks)} weeks. Large dots: this table, with the 95% interval over ten worlds.`)));
    draw();
    return part;
  }

  book.start("states-slider", make);
})((globalThis.bookParts ??= {}));
