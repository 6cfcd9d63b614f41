(function () {
  "use strict";
  var figures = JSON.parse(document.getElementById("figures").textContent);
  var config = { displayModeBar: false, responsive: true, scrollZoom: false, showTips: false };
  var PAPER_PX = 640;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function themed(layout) {
    var copy = JSON.parse(JSON.stringify(layout));
    var ink = colour("--chart-ink");
    if (document.documentElement.classList.contains("printing")) {
      copy.width = PAPER_PX;
    }
    copy.font = Object.assign({}, copy.font, { color: ink });
    Object.keys(copy).forEach(function (key) {
      if (/^[xy]axis\d*$/.test(key)) {
        copy[key].gridcolor = colour("--chart-rule");
      }
    });
    copy.hoverlabel = Object.assign({}, copy.hoverlabel, {
      bgcolor: colour("--raised"),
      bordercolor: colour("--rule"),
    });
    copy.hoverlabel.font = Object.assign({}, copy.hoverlabel.font, { color: ink });
    return copy;
  }

  function inked(data) {
    var ink = colour("--chart-ink");
    return data.map(function (trace) {
      var copy = Object.assign({}, trace);
      ["error_x", "error_y"].forEach(function (whisker) {
        if (copy[whisker]) {
          copy[whisker] = Object.assign({}, copy[whisker], { color: ink });
        }
      });
      return copy;
    });
  }

  function draw() {
    Object.keys(figures).forEach(function (name) {
      var node = document.getElementById("chart-" + name);
      if (node) {
        Plotly.react(node, inked(figures[name].data), themed(figures[name].layout), config);
      }
    });
  }

  function open() {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") {
      target.open = true;
    }
  }

  draw();
  open();
  dark.addEventListener("change", draw);
  window.addEventListener("hashchange", open);
  window.addEventListener("beforeprint", function () {
    document.documentElement.classList.add("printing");
    draw();
  });
  window.addEventListener("afterprint", function () {
    document.documentElement.classList.remove("printing");
    draw();
  });
})();
