"use strict";
(() => {
  // Without this script the tables are whole; with it they can be searched and sorted.
  const folded = (text) => text.toLocaleLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  const made = (tag, fields) => Object.assign(document.createElement(tag), fields);
  const valueOf = (row, i) => {
    const cell = row.cells[i];
    const given = cell.dataset.value;
    return given === undefined ? folded(cell.textContent.trim()) : given === "" ? null : Number(given);
  };
  const compared = (a, b) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  };
  for (const table of document.querySelectorAll("table.live")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const texts = rows.map((row) => folded(row.textContent));
    const what = table.dataset.what;
    const box = made("div", { className: "search" });
    const label = made("label", { textContent: `Search the ${what} ` });
    const input = made("input", { type: "search", autocomplete: "off", spellcheck: false });
    const told = made("output", { textContent: `${rows.length} ${what}` });
    label.append(input);
    box.append(label, told);
    table.parentElement.before(box);
    input.addEventListener("input", () => {
      const words = folded(input.value).split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
        shown += row.hidden ? 0 : 1;
      });
      told.textContent = shown === rows.length ? `${shown} ${what}` : `${shown} of ${rows.length} ${what}`;
    });
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, i) => {
      const button = made("button", { type: "button", textContent: head.textContent });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sign = down ? -1 : 1;
        const order = rows.map((row, k) => [valueOf(row, i), k, row]);
        order.sort((a, b) => {
          const empty = a[0] === null || b[0] === null;
          return (empty ? 1 : sign) * compared(a[0], b[0]) || a[1] - b[1];
        });
        body.append(...order.map((entry) => entry[2]));
      });
    });
  }
})();
