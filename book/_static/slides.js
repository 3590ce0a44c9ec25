// Decks: keys turn the slides, what is too large is scaled down, and the reader's choice of dark is followed.
const slides = [...document.querySelectorAll(".slide")];
document.body.style.setProperty("--slides", `"${slides.length}"`);
document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

const fit = () => {
  for (const slide of slides) {
    const body = slide.querySelector(":scope > div");
    if (!body) continue;
    body.style.zoom = 1;
    for (let tries = 0; tries < 4; tries++) {
      const room = Math.min(body.clientHeight / body.scrollHeight, body.clientWidth / body.scrollWidth);
      if (room >= 1) break;
      body.style.zoom = Math.max(0.98 * room * body.style.zoom, 0.35);
    }
  }
};
(window.MathJax?.startup?.promise ?? Promise.resolve()).then(fit);
addEventListener("load", fit);
addEventListener("resize", fit);

const here = () => slides.findIndex((slide) => slide.getBoundingClientRect().bottom > 10);
const turn = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, button, textarea") || !(event.key in turn)) return;
  event.preventDefault();
  slides[Math.max(0, Math.min(slides.length - 1, here() + turn[event.key]))].scrollIntoView();
});
