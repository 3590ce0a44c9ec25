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
