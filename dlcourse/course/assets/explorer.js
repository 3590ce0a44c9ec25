(function () {
  "use strict";
  if (window.dlcourseExplorer) return; // every explorer on the page brings this script; the first one counts
  window.dlcourseExplorer = true;
  var data = new WeakMap(), running = new WeakMap();
  var still = window.matchMedia("(prefers-reduced-motion: reduce)");

  function load(root) {
    if (!data.has(root)) data.set(root, JSON.parse(root.querySelector("script[type='application/json']").textContent));
    return data.get(root);
  }

  function show(root, quiet) {
    var all = load(root), at = 0;
    root.querySelectorAll("[data-control]").forEach(function (input, i) {
      var texts = all.texts[i];
      at = at * texts.length + Number(input.value);
      if (input.type !== "range") return;
      input.setAttribute("aria-valuetext", texts[input.value]);
      input.parentNode.querySelector("output").textContent = texts[input.value];
    });
    root.querySelector(".explorer-frame").innerHTML = all.frames[all.grid[at]];
    var alt = all.alts[all.altGrid[at]];
    root.querySelector("[role=img]").setAttribute("aria-label", alt);
    if (!quiet) root.querySelector(".explorer-now").textContent = alt; // a running play is not read aloud
  }

  function step(root, input, quiet) {
    input.value = (Number(input.value) + 1) % (Number(input.max) + 1);
    show(root, quiet);
  }

  function stop(button) {
    clearInterval(running.get(button));
    running.delete(button);
    button.setAttribute("aria-pressed", "false");
  }

  function play(root, button) {
    var input = button.parentNode.querySelector("input");
    if (still.matches) return step(root, input); // reduced motion: one step for each press
    if (running.has(button)) return stop(button);
    button.setAttribute("aria-pressed", "true");
    running.set(button, setInterval(function () {
      if (!document.contains(button) || still.matches) return stop(button);
      step(root, input, true);
    }, 400));
  }

  document.addEventListener("input", function (event) {
    var root = event.target.closest && event.target.closest(".explorer");
    if (root && event.target.hasAttribute("data-control")) show(root);
  });
  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest(".explorer-play");
    if (button) play(button.closest(".explorer"), button);
  });
})();
