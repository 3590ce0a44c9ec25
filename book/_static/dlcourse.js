// The book's few moving parts. Each does nothing on a page that lacks its elements.
document.querySelectorAll(".claims").forEach((box) => {
  const input = box.querySelector("input");
  const rows = [...box.querySelectorAll("tbody tr")];
  const count = box.querySelector("output");
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = `${shown} of ${rows.length} claims`;
  };
  input.addEventListener("input", show);
  show();
});

// What scrolls sideways must be reachable with the keyboard.
const focusable = () => {
  document.querySelectorAll("pre, .table-scroll, mjx-container[display=true], .output").forEach((box) => {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else if (box.tabIndex === 0) box.removeAttribute("tabindex");
  });
};
addEventListener("load", focusable);
addEventListener("resize", focusable);

// For those who hear the page. The theme's labels hide the words that are seen; sliders have none at all.
document
  .querySelectorAll("summary[aria-label='Toggle hidden content'], .search-button-field")
  .forEach((element) => element.removeAttribute("aria-label"));
document.querySelectorAll("li.has-children > details > summary").forEach((summary) => {
  const above = summary.closest("li").querySelector(":scope > a");
  summary.setAttribute("aria-label", `Pages below ${above.textContent.trim()}`);
});
// A list whose entries are no list items is announced as an empty one.
document.querySelectorAll(".citation-list, .citation").forEach((element) => element.removeAttribute("role"));
const nameSliders = () => {
  document.querySelectorAll(".noUi-handle:not([aria-label])").forEach((handle) => {
    const label = handle.closest(".widget-slider")?.querySelector(".widget-label");
    if (label) handle.setAttribute("aria-label", label.textContent);
  });
};
// The widgets are drawn after the page has loaded.
document.querySelectorAll(".cell_output").forEach((box) => {
  if (box.querySelector("script[type*='widget-view']"))
    new MutationObserver(nameSliders).observe(box, { childList: true, subtree: true });
});
