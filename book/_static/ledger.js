// The claims ledger: a search field and a choice of verdict above the table. Without this script the table shows all claims.
(function ({ el }) {
  const table = document.querySelector("table.ledger");
  if (!table) return;
  const rows = [...table.tBodies[0].rows].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
    verdict: row.cells[3].querySelector("strong").textContent.replace(".", ""),
  }));

  const counts = new Map();
  for (const { verdict } of rows) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const verdicts = [...counts].sort(([, one], [, other]) => other - one);

  const words = el("input", { type: "search", id: "ledger-words", autocomplete: "off", oninput: show });
  const verdict = el(
    "select",
    { id: "ledger-verdict", onchange: show },
    el("option", { value: "" }, `any (${rows.length})`),
    verdicts.map(([name, count]) => el("option", { value: name }, `${name.toLowerCase()} (${count})`)),
  );
  const found = el("p", { role: "status", class: "ledger-found" });

  function show() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const each of rows) {
      const fits = (!verdict.value || each.verdict === verdict.value) && wanted.every((word) => each.text.includes(word));
      each.row.hidden = !fits;
      count += fits;
    }
    found.textContent = count ? `${count} of ${rows.length} claims` : "No claim has all of these words and this verdict.";
  }

  const label = (text, field) => el("label", { for: field.id }, text, field);
  const find = el("div", { class: "ledger-find", role: "search", "aria-label": "Claims" });
  find.append(label("Words in the claim", words), label("Verdict", verdict), found);
  (table.closest(".pst-scrollable-table-container") ?? table).before(find);
  show(); // a browser may have kept what was typed before
})(globalThis.bookParts);
