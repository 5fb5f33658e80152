
(function () {
  "use strict";
  var table = document.getElementById("columns-table");
  var box = document.getElementById("search");
  if (!table || !box) { return; }
  var body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  var told = document.getElementById("found");
  document.getElementById("finder").hidden = false;
  box.addEventListener("input", function () {
    var words = box.value.toLowerCase().trim(), n = 0;
    rows.forEach(function (row) {
      var hit = row.textContent.toLowerCase().indexOf(words) >= 0;
      row.hidden = !hit;
      n += hit ? 1 : 0;
    });
    told.textContent = words ? n + " of " + rows.length + " columns" : "";
  });
  Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, at) {
    if (!head.hasAttribute("data-sort")) { return; }
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("click", function () {
      var up = head.getAttribute("aria-sort") !== "ascending";
      Array.prototype.forEach.call(table.tHead.rows[0].cells, function (h) { h.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      var key = function (row) {
        var cell = row.cells[at], value = cell.getAttribute("data-value");
        return value === null ? cell.textContent.trim().toLowerCase() : parseFloat(value);
      };
      rows.slice().sort(function (a, b) {
        var x = key(a), y = key(b);
        var order = typeof x === "string" ? x.localeCompare(y) : x - y;
        return up ? order : -order;
      }).forEach(function (row) { body.appendChild(row); });
    });
  });
}());
