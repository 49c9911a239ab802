// Filters the table of claims by paper, item, verdict and text.  What is chosen stands in the
// address after "#", so that it can be sent on.  Without this file the table is a plain table.
(function () {
  "use strict";

  // Columns of the table.
  const PAPER = 0;
  const ITEM = 1;
  const VERDICTS = [6, 7];

  const place = document.getElementById("claims");
  if (!place) return;
  const rows = Array.from(place.querySelectorAll("tbody tr"), (element) => {
    const cells = Array.from(element.cells, (cell) => cell.textContent.trim());
    return {
      element,
      paper: cells[PAPER],
      item: cells[ITEM],
      verdicts: VERDICTS.map((column) => cells[column]),
      text: cells.join(" ").toLowerCase(),
    };
  });

  const unique = (values) => Array.from(new Set(values.filter(Boolean)));
  const form = document.createElement("form");
  form.className = "claim-filter";
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Filter claims");

  function field(name, title, control) {
    const label = document.createElement("label");
    label.textContent = title;
    control.name = name;
    label.append(control);
    form.append(label);
    return control;
  }

  function choice(name, title, values) {
    const select = document.createElement("select");
    for (const value of ["", ...values]) select.append(new Option(value || "all", value));
    return field(name, title, select);
  }

  const text = document.createElement("input");
  text.type = "search";
  const controls = {
    paper: choice("paper", "Paper", unique(rows.map((row) => row.paper))),
    item: choice("item", "Item", unique(rows.map((row) => row.item))),
    verdict: choice("verdict", "Verdict, here or on stored jets",
      unique(rows.flatMap((row) => row.verdicts))),
    text: field("text", "Text", text),
  };
  const count = document.createElement("p");
  count.setAttribute("role", "status");
  place.before(form, count);

  function wanted() {
    return Object.fromEntries(Object.entries(controls).map(([name, one]) => [name, one.value]));
  }

  function show() {
    const { paper, item, verdict, text: words } = wanted();
    const parts = words.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = (!paper || row.paper === paper) && (!item || row.item === item)
        && (!verdict || row.verdicts.includes(verdict))
        && parts.every((part) => row.text.includes(part));
      row.element.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    count.textContent = `${shown} of ${rows.length} numbers`;
  }

  function remember() {
    const chosen = Object.entries(wanted()).filter(([, value]) => value);
    const hash = new URLSearchParams(chosen).toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  function recall() {
    const given = new URLSearchParams(location.hash.slice(1));
    for (const [name, one] of Object.entries(controls)) one.value = given.get(name) || "";
    show();
  }

  form.addEventListener("input", () => { show(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", recall);
  recall();
})();
