// The widget player speaks to MathJax 2; this hands its requests to MathJax 3.
(function () {
  const hub = {
    Queue: function () {
      for (const request of arguments) {
        if (window.MathJax.typesetPromise) window.MathJax.typesetPromise([request[2]]);
      }
    },
  };
  if (window.MathJax) window.MathJax.Hub = hub;
})();
