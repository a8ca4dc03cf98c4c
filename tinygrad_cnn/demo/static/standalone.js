"use strict";

/* The page in one file: it reads the drawing itself. */
const model = JSON.parse(document.getElementById("model").textContent);
const player = new Player(model.program);
const bars = new Bars(document.getElementById("bars"), model.classes);
const answer = document.getElementById("answer");
const sketch = new Sketch(document.getElementById("sketch"), model.side, read);

function read() {
  const began = performance.now();
  const image = sketch.strokes.length ? prepareDigit(sketch.pixels(), model.side) : new Float32Array(784);
  const bytes = btoa(String.fromCharCode(...Array.from(image, (value) => Math.round(255 * value))));
  showMaps(document.getElementById("image"), { shape: [1, 28, 28], signed: false, top: "1", bytes });
  if (!sketch.strokes.length) {
    bars.show(null);
    answer.textContent = "?";
    return;
  }
  const logits = player.logits(image);
  const most = Math.max(...logits);
  const shares = logits.map((logit) => Math.exp(logit - most));
  const sum = shares.reduce((a, b) => a + b);
  answer.textContent = model.classes[bars.show(shares.map((share) => share / sum))];
  answer.dataset.duration = performance.now() - began;
}

document.getElementById("undo").addEventListener("click", () => sketch.undo());
document.getElementById("clear").addEventListener("click", () => sketch.clear());
document.getElementById("about").textContent = model.about;
read();
