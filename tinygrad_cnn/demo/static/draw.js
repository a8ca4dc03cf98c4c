"use strict";

/* The view "Draw": a sheet, what the network takes the drawing for, and what it computes on the way. */
class DrawView {
  async begin() {
    this.answers = 0;
    this.target = null; // the digit whose saliency is wanted, or null for the likeliest
    this.reading = new OneAtATime(() => this.look());
    await this.takeNetwork();
    this.sketch = new Sketch(get("sketch"), this.network.side, () => { this.read(); });
    get("undo").addEventListener("click", () => this.sketch.undo());
    get("clear").addEventListener("click", () => { this.target = null; this.sketch.clear(); });
    get("network").addEventListener("change", () => this.takeNetwork());
    this.walker = new LineWalker();
    this.empty();
  }

  async takeNetwork() {
    this.network = await ask(`network?which=${get("network").value}`);
    if (!this.bars) this.bars = new Bars(get("bars"), this.network.classes, (i) => this.choose(i));
    this.walker?.list(this.network.program);
    if (this.sketch) this.read();
  }

  choose(digit) {
    this.target = this.target === digit ? null : digit;
    this.read();
  }

  read() {
    this.changed = performance.now();
    this.reading.run();
  }

  idle() {
    return !this.reading.running;
  }

  shown() {
    if (get("network").value === "lesson") this.read();
  }

  empty() {
    this.bars.show(null);
    get("answer").textContent = "?";
    get("duration").textContent = "";
    get("saliency-title").textContent = "Saliency";
    const blank = { shape: [1, 28, 28], signed: false, top: "0", bytes: btoa("\0".repeat(784)) };
    for (const id of ["image", "saliency"]) showMaps(get(id), blank);
    get("layers").replaceChildren(make("p", "soft", "Draw, and the layers fill."));
    this.walker.show(null);
    this.walker.list(this.network.program);
  }

  async look() {
    if (!this.sketch.strokes.length) { this.empty(); return; }
    const began = this.changed;
    const target = this.target === null ? "" : `&target=${this.target}`;
    const path = `read?which=${get("network").value}${target}`;
    const seen = await ask(path, { method: "POST", body: this.sketch.pixels() });
    if (!this.sketch.strokes.length) return; // cleared meanwhile
    const best = this.bars.show(seen.probabilities, this.target);
    const classes = this.network.classes;
    get("answer").textContent = classes[best];
    const duration = performance.now() - began;
    get("duration").textContent = `answered in ${Math.round(duration)} ms`;
    get("answer").dataset.duration = duration;
    this.answers++;
    if (this.reading.waiting) return; // the pen has moved on, and the pictures of that drawing come next
    get("saliency-title").textContent = `Saliency of the ${classes[seen.target]}`;
    showMaps(get("image"), seen.image);
    showMaps(get("saliency"), seen.saliency);
    this.showLayers(seen);
    this.walker.show(seen.lines);
  }

  showLayers(seen) {
    const rows = get("layers");
    const names = seen.layers.map((layer) => layer.name);
    if (rows.dataset.names !== names.join() || !rows.querySelector(".layer")) {
      rows.dataset.names = names.join();
      rows.replaceChildren(...seen.layers.map((layer) => {
        const row = make("div", "layer");
        const name = make("div", "name", layer.name);
        name.append(make("div", "soft", this.network.program[layer.line].shape.replace(/^\w+\[1, /, "[")));
        row.append(name, make("div", "maps"));
        return row;
      }));
    }
    seen.layers.forEach((layer, i) => showMaps(rows.children[i].lastChild, seen.lines[layer.line]));
  }
}

/* The listing of the program, of which one line after the other is shown with what it computes. */
class LineWalker {
  constructor() {
    this.at = 0;
    this.lines = null;
    this.plays = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    get("line-play").addEventListener("click", () => this.setPlays(!this.plays));
    get("line-back").addEventListener("click", () => this.stepBy(-1));
    get("line-next").addEventListener("click", () => this.stepBy(1));
    this.setPlays(this.plays);
    setInterval(() => { if (this.plays && this.lines && !get("draw").hidden) this.go(this.at + 1); }, 700);
  }

  setPlays(plays) {
    this.plays = plays;
    get("line-play").textContent = plays ? "Pause" : "Play";
  }

  stepBy(step) {
    this.setPlays(false);
    this.go(this.at + step);
  }

  list(program) {
    if (this.program === program) return;
    this.program = program;
    this.buttons = program.map((line, i) => {
      const button = make("button", `line${line.backward ? " backward" : ""}`, line.text);
      button.append(make("span", "shape", `  # ${line.shape}`));
      button.addEventListener("click", () => { this.setPlays(false); this.go(i); });
      return button;
    });
    const rows = this.buttons.map((button) => { const row = make("li", ""); row.append(button); return row; });
    const first = program.findIndex((line) => line.backward);
    rows[first].prepend(make("div", "heading", "the derived backward"));
    get("program").replaceChildren(...rows);
    this.lines = null;
    this.go(0);
  }

  /* Take what the lines have computed for a drawing, or null where there is none. */
  show(lines) {
    this.lines = lines;
    this.go(this.at);
  }

  go(place) {
    const count = this.buttons?.length;
    if (!count) return;
    this.buttons[this.at]?.classList.remove("now");
    this.at = (place + count) % count;
    const button = this.buttons[this.at];
    button.classList.add("now");
    const list = get("program");
    const top = button.offsetTop - list.clientHeight / 2;
    if (Math.abs(list.scrollTop - top) > list.clientHeight / 4) list.scrollTop = top;
    this.picture();
  }

  picture() {
    const line = this.program[this.at];
    const parent = get("line");
    if (!parent.firstChild) {
      parent.append(make("code", ""), make("p", "soft"), make("div", "maps"));
    }
    const [name, told, maps] = parent.children;
    name.textContent = line.text.split(" = ")[0];
    const computed = this.lines?.[this.at];
    told.textContent = computed ? `${line.shape}: ${computed.range}` : line.shape;
    maps.hidden = !computed;
    if (computed) showMaps(maps, computed);
  }
}
