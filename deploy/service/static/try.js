// The try-it form: gathers the fields into one JSON row, sends it, and shows the answer. Text only, never markup.
"use strict";
(() => {
  const form = document.getElementById("try");
  if (!form) return;
  const panel = document.getElementById("answer");
  const sent = document.getElementById("sent");

  const make = (tag, text, className) => {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    if (className) node.className = className;
    return node;
  };

  const read = (field) => {
    const text = field.value;
    if (text === "") return null;
    if (field.dataset.kind === "number") return Number.isFinite(Number(text)) ? Number(text) : text;
    if (field.dataset.kind === "boolean") return text === "true";
    return text;
  };

  const row = () => Object.fromEntries(Array.from(form.querySelectorAll("[data-kind]"), (f) => [f.name, read(f)]));

  const shown = (value) => (value === null || value === undefined ? "no prediction" : String(value));
  const rounded = (value) => (typeof value === "number" ? String(Number(value.toPrecision(7))) : shown(value));

  const showAnswer = (answer, took) => {
    panel.append(make("p", rounded(answer.prediction), "prediction"));
    const all = Object.entries(answer.probabilities || {}).sort((a, b) => b[1] - a[1]);
    for (const [label, probability] of all.slice(0, 12)) {
      const bar = make("div", undefined, "bar");
      const progress = make("progress");
      progress.max = 1;
      progress.value = probability;
      progress.setAttribute("aria-label", "probability of " + label);
      bar.append(make("span", label, "name"), progress, make("span", (100 * probability).toFixed(1) + " %", "value"));
      panel.append(bar);
    }
    if (all.length > 12) panel.append(make("p", "and " + (all.length - 12) + " more", "quiet"));
    if ("low" in answer) panel.append(make("p", "between " + rounded(answer.low) + " and " + rounded(answer.high)));
    for (const warning of answer.warnings) panel.append(make("p", warning.message, "note"));
    for (const [table, version] of Object.entries(answer.lookups || {})) {
      panel.append(make("p", "looked up in " + table + " " + version, "quiet"));
    }
    panel.append(make("p", "version " + answer.version + ", " + took.toFixed(0) + " ms there and back", "quiet"));
  };

  const showProblem = (problem) => {
    panel.append(make("p", problem.detail || problem.title, "note bad"));
    for (const fault of problem.errors || []) {
      const told = [fault.field, fault.message].filter(Boolean).join(": ");
      panel.append(make("p", fault.expected ? told + " (expected: " + fault.expected + ")" : told, "note bad"));
      const field = Array.from(form.elements).find((f) => f.name && f.name === fault.field);
      if (field) field.setAttribute("aria-invalid", "true");
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const field of form.elements) field.removeAttribute("aria-invalid");
    const body = JSON.stringify(row(), null, 2);
    sent.textContent = "POST " + form.dataset.address + "\n" + body;
    panel.replaceChildren(make("p", "…", "quiet"));
    const began = performance.now();
    try {
      const reply = await fetch(form.dataset.address, {
        method: "POST", headers: { "content-type": "application/json" }, body,
      });
      const answer = await reply.json();
      panel.replaceChildren();
      if (reply.ok) showAnswer(answer, performance.now() - began); else showProblem(answer);
    } catch {
      panel.replaceChildren(make("p", "The service did not answer.", "note bad"));
    }
  });
})();
