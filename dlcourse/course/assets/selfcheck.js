(function () {
  "use strict";
  if (window.dlcourseSelfcheck) return; // every self-check on the page brings this script; the first one counts
  window.dlcourseSelfcheck = true;

  // The explanations stand once, in the list under "All explanations"; data-value says what each one is for.
  function explain(root, value) {
    var items = Array.from(root.querySelectorAll(".selfcheck-answers [data-value]"));
    var item = items.find(function (li) { return li.dataset.value === value; });
    return item ? item.querySelector(".selfcheck-says").cloneNode(true) : document.createTextNode("");
  }

  function say(root, right, words, value) {
    var result = root.querySelector(".selfcheck-result");
    result.textContent = (right ? "✓ " : "✗ ") + words + " ";
    if (value !== undefined) result.append(explain(root, value));
  }

  function normal(text) {
    return text.split(/\s+/).filter(Boolean).join(" ");
  }

  function rightOf(root, value) {
    var right = Array.from(root.querySelectorAll("[data-right]"));
    return right.some(function (item) { return item.dataset.value === value; });
  }

  var kinds = {
    choice: function (root) {
      var inputs = Array.from(root.querySelectorAll("input"));
      var ticked = inputs.filter(function (input) { return input.checked; });
      if (!ticked.length) return say(root, false, "Choose an answer first.");
      var wrong = ticked.find(function (input) { return !rightOf(root, input.value); });
      if (wrong) return say(root, false, "Not right.", wrong.value);
      var missing = inputs.find(function (input) { return !input.checked && rightOf(root, input.value); });
      if (missing) return say(root, false, "Right so far, but there is more to tick.");
      say(root, true, "Right.", ticked[0].value);
    },
    order: function (root) {
      var steps = Array.from(root.querySelectorAll("li[data-step]"));
      var wrong = steps.findIndex(function (li, i) { return Number(li.dataset.step) !== i; });
      if (wrong < 0) return say(root, true, "Right: all " + steps.length + " steps are in order.");
      say(root, false, "Not yet: step " + (wrong + 1) + " does not belong there.");
    },
    match: function (root) {
      var menus = Array.from(root.querySelectorAll("select"));
      if (menus.some(function (menu) { return menu.value === ""; })) return say(root, false, "Match every line first.");
      var wrong = menus.find(function (menu) { return menu.value !== menu.dataset.own; });
      if (!wrong) return say(root, true, "Right: all " + menus.length + " match.");
      say(root, false, "Not yet: look again at “" + wrong.labels[0].textContent.trim() + "”.");
    },
    predict: function (root) {
      var given = normal(root.querySelector("textarea").value);
      if (!given) return say(root, false, "Write down what you expect first.");
      if (rightOf(root, given)) return say(root, true, "Right.", given);
      say(root, false, "Not right.", given);
    },
  };

  function move(button) {
    var item = button.closest("li"), list = item.parentNode, up = button.dataset.move === "up";
    var other = up ? item.previousElementSibling : item.nextElementSibling;
    if (other) list.insertBefore(up ? item : other, up ? other : item);
    button.focus(); // moving an element takes the focus away
    var place = Array.from(list.children).indexOf(item) + 1;
    var words = item.querySelector("span").textContent + ": now " + place + " of " + list.children.length;
    list.closest(".selfcheck").querySelector(".selfcheck-result").textContent = words;
  }

  document.addEventListener("submit", function (event) {
    var root = event.target.closest(".selfcheck");
    if (!root) return;
    event.preventDefault();
    kinds[root.dataset.kind](root);
  });
  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest(".selfcheck [data-move]");
    if (button) move(button);
  });
})();
