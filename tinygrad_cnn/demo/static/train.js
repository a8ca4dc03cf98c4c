"use strict";

/* The view "Train": a training that goes on as far as this view asks the server. */
class TrainView {
  async begin() {
    this.losses = [];
    this.runs = false;
    get("train-run").addEventListener("click", () => (this.runs ? this.pause() : this.run()));
    get("train-step").addEventListener("click", () => { this.pause(); this.advance(1); });
    get("train-restart").addEventListener("click", () => this.restart());
    get("train-rate").addEventListener("change", () => this.restart());
    get("train-draw").addEventListener("click", () => { get("network").value = "lesson"; tabs.open("draw"); views.draw.takeNetwork(); });
    new ResizeObserver(() => this.plot()).observe(get("loss"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.plot());
  }

  async shown() {
    if (!this.seen) await this.restart();
  }

  hidden() {
    this.pause();
  }

  async restart() {
    this.pause();
    const rate = get("train-rate").value;
    const seen = await ask(`lesson?restart=1${rate ? `&rate=${rate}` : ""}`, { method: "POST" });
    this.losses = [];
    if (!rate) {
      get("train-rate").replaceChildren(...seen.rates.map((each) => new Option(each, each, false, each === seen.rate)));
    }
    showMaps(get("filters-start"), seen.filters);
    this.show(seen);
  }

  pause() {
    this.runs = false;
    get("train-run").textContent = "Start";
  }

  async run() {
    this.runs = true;
    get("train-run").textContent = "Pause";
    let steps = 1;
    while (this.runs) {
      const began = performance.now();
      await this.advance(steps);
      if (this.seen.steps >= this.seen.most) this.pause();
      const taken = performance.now() - began; // some pictures a second are enough to see it move
      steps = Math.max(1, Math.min(20, Math.round((steps * 150) / taken)));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  async advance(steps) {
    this.busy = true;
    this.show(await ask(`lesson?steps=${steps}`, { method: "POST" }));
    this.busy = false;
  }

  show(seen) {
    this.seen = seen;
    this.losses.push(...seen.losses);
    const share = `${(100 * seen.accuracy).toFixed(0)} %`;
    get("train-told").textContent = `step ${seen.steps} of ${seen.most}; reads ${share} of 200 digits that it does not train on`;
    showMaps(get("filters-now"), seen.filters);
    showMaps(get("filters-changes"), seen.changes);
    this.showExamples(seen);
    this.plot();
  }

  showExamples(seen) {
    const parent = get("examples");
    if (!parent.firstChild) {
      parent.append(...seen.read.map(() => {
        const figure = make("figure", "");
        figure.append(make("div", "maps large"), make("figcaption", ""));
        return figure;
      }));
    }
    const [, height, width] = seen.examples.shape;
    const pixels = atob(seen.examples.bytes);
    seen.read.forEach((read, i) => {
      const figure = parent.children[i];
      const right = read === seen.labels[i];
      figure.classList.toggle("right", right);
      figure.lastChild.textContent = right ? `✓ ${read}` : `✗ ${read}`;
      const bytes = btoa(pixels.slice(i * height * width, (i + 1) * height * width));
      if (!figure.dataset.drawn) showMaps(figure.firstChild, { ...seen.examples, shape: [1, height, width], bytes });
      figure.dataset.drawn = "yes";
    });
  }

  plot() {
    const canvas = get("loss");
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const colour = (name) => getComputedStyle(document.body).getPropertyValue(name);
    const finite = this.losses.map((loss) => loss ?? Infinity);
    const frame = { left: 40, top: 10, right: width - 10, bottom: height - 28 };
    const most = Math.max(50, finite.length);
    const top = 3;
    const x = (step) => frame.left + (step / most) * (frame.right - frame.left);
    const y = (loss) => frame.bottom - (Math.min(loss, top) / top) * (frame.bottom - frame.top);
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = colour("--soft");
    context.strokeStyle = colour("--line");
    for (const loss of [0, 1, 2, 3]) {
      context.beginPath();
      context.moveTo(frame.left, y(loss));
      context.lineTo(frame.right, y(loss));
      context.stroke();
      context.fillText(loss === 3 ? "≥ 3" : loss, 14, y(loss) + 4);
    }
    context.fillText("0", frame.left, height - 10);
    const last = `step ${most}`;
    context.fillText(last, frame.right - context.measureText(last).width, height - 10);
    finite.forEach((loss, i) => context.fillRect(x(i + 1) - 1, y(loss) - 1, 3, 3));
    context.strokeStyle = colour("--accent");
    context.lineWidth = 2.5;
    context.beginPath();
    let [sum, weight] = [0, 0]; // a moving average that the first losses do not hold back
    finite.forEach((loss, i) => {
      sum = 0.9 * sum + 0.1 * Math.min(loss, top);
      weight = 0.9 * weight + 0.1;
      context.lineTo(x(i + 1), y(sum / weight));
    });
    context.stroke();
  }
}
