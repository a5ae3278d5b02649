"use strict";
(function () {
  var order = ["info", "low", "medium", "high", "critical"];
  var kept = { severity: "", stage: "", text: "" };

  // Filters of a table of findings.
  function filters() {
    var rows = Array.prototype.slice.call(document.querySelectorAll("tr[data-severity]"));
    var box = document.getElementById("filters");
    if (!box || !rows.length) { return; }
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
      kept = { severity: severity.value, stage: stage.value, text: text.value };
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
    severity.value = kept.severity;
    stage.value = kept.stage;
    text.value = kept.text;
    if (asked && order.indexOf(asked[1]) > 0) { severity.value = asked[1]; }
    box.hidden = false;
    apply();
  }

  // A button beside each command.
  function copying() {
    if (!navigator.clipboard) { return; }
    Array.prototype.forEach.call(document.querySelectorAll("pre.command"), function (pre) {
      var button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "copy";
      button.addEventListener("click", function () {
        navigator.clipboard.writeText(pre.textContent).then(
          function () { button.textContent = "copied"; },
          function () { button.textContent = "not copied"; });
      });
      pre.parentNode.insertBefore(button, pre.nextSibling);
    });
  }

  function say(text) {
    var live = document.getElementById("live");
    if (live) { live.textContent = text; }
  }

  // Somebody who is writing is not disturbed.
  function isWriting(main) {
    return Array.prototype.some.call(main.querySelectorAll("input:not([type=hidden]), textarea"), function (field) {
      return field.value !== field.defaultValue && !field.closest("#filters");
    });
  }

  function isOpen(details, open) {
    return details.id ? open[details.id] : undefined;
  }

  // New content in place of the old; what was open, where the reader was, and the focus stay.
  function replace(text) {
    var next = new DOMParser().parseFromString(text, "text/html").getElementById("main");
    var main = document.getElementById("main");
    if (!next || !next.hasAttribute("data-version")) { window.location.reload(); return; }
    var open = {}, focus = document.activeElement, id = focus && main.contains(focus) ? focus.id : "";
    Array.prototype.forEach.call(main.querySelectorAll("details[id]"), function (d) { open[d.id] = d.open; });
    var anchor = null;
    Array.prototype.some.call(main.querySelectorAll("[id]"), function (e) {
      var box = e.getBoundingClientRect();
      if (box.height > 0 && box.bottom > 0 && e.tagName !== "DIV") { anchor = { id: e.id, top: box.top }; return true; }
      return false;
    });
    main.innerHTML = next.innerHTML;
    main.setAttribute("data-version", next.getAttribute("data-version"));
    Array.prototype.forEach.call(main.querySelectorAll("details[id]"), function (d) {
      var was = isOpen(d, open);
      if (was !== undefined) { d.open = was; }
    });
    filters();
    copying();
    var place = anchor && document.getElementById(anchor.id);
    if (place) { window.scrollBy(0, place.getBoundingClientRect().top - anchor.top); }
    if (id && document.getElementById(id)) { document.getElementById(id).focus({ preventScroll: true }); }
  }

  function live() {
    var main = document.getElementById("main");
    if (!main || !main.hasAttribute("data-version") || !window.EventSource) { return; }
    var source = new EventSource("/events"), waiting = false;
    function load(version) {
      if (main.getAttribute("data-version") === version || waiting) { return; }
      if (isWriting(main)) { say("There is something new; it is shown when the form is sent."); return; }
      waiting = true;
      fetch(window.location.pathname + window.location.search, { credentials: "same-origin" }).then(function (answer) {
        if (!answer.ok) { throw new Error(String(answer.status)); }
        return answer.text();
      }).then(function (text) {
        replace(text);
        waiting = false;
        say("Updated " + new Date().toISOString().slice(11, 19) + " UTC.");
      }).catch(function () {
        waiting = false;
        say("Not reached: what stands here may be old.");
      });
    }
    source.addEventListener("open", function () { say("Live."); });
    source.addEventListener("seen", function (event) { load(event.data); });
    source.addEventListener("error", function () { say("Not reached: what stands here may be old."); });
  }

  filters();
  copying();
  live();
})();
