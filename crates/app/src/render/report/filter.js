"use strict";
(function () {
  var rows = Array.prototype.slice.call(document.querySelectorAll("tr[data-severity]"));
  var box = document.getElementById("filters");
  if (!box || !rows.length) { return; }
  var order = ["info", "low", "medium", "high", "critical"];
  function choice(name, values) {
    var select = document.createElement("select");
    select.setAttribute("aria-label", name);
    values.forEach(function (value) {
      var option = document.createElement("option");
      option.value = value;
      option.textContent = value === "" ? name + ": all" : name === "severity" ? value + " and worse" : value;
      select.appendChild(option);
    });
    box.appendChild(select);
    return select;
  }
  var severity = choice("severity", ["", "low", "medium", "high", "critical"]);
  var stage = choice("stage", ["", "gain", "maintain", "steal", "blind", "hygiene"]);
  var text = document.createElement("input");
  text.type = "search";
  text.placeholder = "text";
  text.setAttribute("aria-label", "text");
  box.appendChild(text);
  var count = document.createElement("span");
  count.className = "dim";
  box.appendChild(count);
  function apply() {
    var least = order.indexOf(severity.value), shown = 0, wanted = text.value.toLowerCase();
    rows.forEach(function (row) {
      var fits = order.indexOf(row.getAttribute("data-severity")) >= least &&
        (stage.value === "" || row.getAttribute("data-stage") === stage.value) &&
        (wanted === "" || row.textContent.toLowerCase().indexOf(wanted) >= 0);
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    count.textContent = shown + " of " + rows.length;
  }
  [severity, stage].forEach(function (select) { select.addEventListener("change", apply); });
  text.addEventListener("input", apply);
  var asked = /^#severity=([a-z]+)$/.exec(window.location.hash);
  if (asked && order.indexOf(asked[1]) > 0) { severity.value = asked[1]; }
  box.hidden = false;
  apply();
})();
