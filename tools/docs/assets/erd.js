// Finds tables by name, shows a table's neighbours, and zooms. Works without any other file and without a network.
(function () {
  "use strict";
  var svg = document.querySelector("svg.erd");
  var main = document.querySelector("main");
  var search = document.querySelector("input");
  var tables = Array.prototype.slice.call(svg.querySelectorAll(".table"));
  var links = Array.prototype.slice.call(svg.querySelectorAll(".link"));
  var width = svg.viewBox.baseVal.width, height = svg.viewBox.baseVal.height, zoom = 1, held = null;

  function size(factor, x, y) {
    var before = zoom;
    zoom = Math.min(4, Math.max(0.05, factor));
    svg.setAttribute("width", width * zoom);
    svg.setAttribute("height", height * zoom);
    if (x !== undefined) {
      main.scrollLeft = (main.scrollLeft + x) * zoom / before - x;
      main.scrollTop = (main.scrollTop + y) * zoom / before - y;
    }
  }
  function fit() { size(Math.min(1, main.clientWidth / width, main.clientHeight / height)); }

  function show(chosen) {
    svg.classList.toggle("some", chosen.length > 0);
    var names = new Set(chosen.map(function (t) { return t.id; }));
    var near = new Set(names);
    links.forEach(function (link) {
      var ends = [link.dataset.child, link.dataset.parent];
      var on = names.has(ends[0]) || names.has(ends[1]);
      link.classList.toggle("on", on);
      if (on) { near.add(ends[0]); near.add(ends[1]); }
    });
    tables.forEach(function (t) { t.classList.toggle("on", near.has(t.id)); });
  }
  function found() {
    var words = search.value.toLowerCase().trim();
    return words ? tables.filter(function (t) { return t.dataset.name.toLowerCase().includes(words); }) : [];
  }

  tables.forEach(function (table) {
    table.addEventListener("mouseenter", function () { if (!held && !search.value) { show([table]); } });
    table.addEventListener("mouseleave", function () { if (!held && !search.value) { show([]); } });
    table.addEventListener("click", function (event) {
      held = held === table ? null : table;
      show(held ? [held] : found());
      event.stopPropagation();
    });
  });
  svg.addEventListener("click", function () { held = null; show(found()); });
  search.addEventListener("input", function () {
    held = null;
    var hits = found();
    show(hits);
    if (hits.length) { hits[0].scrollIntoView({ block: "center", inline: "center" }); }
  });
  main.addEventListener("wheel", function (event) {
    if (!event.ctrlKey) { return; }
    event.preventDefault();
    var place = main.getBoundingClientRect();
    size(zoom * (event.deltaY < 0 ? 1.1 : 1 / 1.1), event.clientX - place.left, event.clientY - place.top);
  }, { passive: false });
  document.querySelector("#in").addEventListener("click", function () { size(zoom * 1.25); });
  document.querySelector("#out").addEventListener("click", function () { size(zoom / 1.25); });
  document.querySelector("#fit").addEventListener("click", fit);
  fit();
})();
