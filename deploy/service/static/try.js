// The try-it form without a reload: what the server would answer with a page is put into this one. The form works
// without this file, too.
"use strict";
(() => {
  const form = document.getElementById("try");
  if (!form) return;
  const panel = document.getElementById("answer");

  const told = (text, className) => {
    const node = document.createElement("p");
    node.textContent = text;
    node.className = className;
    return node;
  };

  // Both pages are of one template: what the other says of a field goes beside the same field here.
  const take = (page) => {
    for (const id of ["answer", "sent"]) {
      document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
    }
    for (const said of page.querySelectorAll(".said")) {
      const mine = document.getElementById(said.id);
      if (mine) mine.replaceChildren(...said.childNodes);
    }
    for (const field of form.querySelectorAll("[name]")) {
      const theirs = page.getElementById(field.id);
      if (theirs && theirs.getAttribute("aria-invalid")) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
    const first = form.querySelector(".rest .note");
    if (first) first.closest("details").open = true;
    const wrong = form.querySelector("[aria-invalid]");
    if (wrong) wrong.focus();
    else panel.scrollIntoView({ block: "nearest" });
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    panel.replaceChildren(told("…", "quiet"));
    try {
      const reply = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      if (!page.getElementById("answer")) throw new Error("no page");
      take(page);
    } catch {
      panel.replaceChildren(told("The service did not answer as it should.", "note bad"));
    }
  });

  const seek = document.getElementById("seek");
  if (!seek) return;
  seek.parentElement.hidden = false;
  const rest = form.querySelector("details.rest");
  const fields = Array.from(form.querySelectorAll(".field"));
  seek.addEventListener("input", () => {
    const wanted = seek.value.trim().toLowerCase();
    if (wanted) rest.open = true;
    for (const field of fields) field.hidden = !field.dataset.name.includes(wanted);
  });
  seek.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
})();
