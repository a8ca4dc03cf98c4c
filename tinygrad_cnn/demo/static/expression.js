"use strict";

/* The view "Expression": forward and backward of what one types, one node at a time. */
class ExpressionView {
  async begin() {
    get("typed").addEventListener("submit", (event) => { event.preventDefault(); this.take(); });
    const samples = ["relu(w * x + b) ** 2", "x * x + sin(x)", "log(1 + exp(-x))", "sum((w @ x - y) ** 2)", "max(x) / sum(x)"];
    for (const text of samples) {
      const button = make("button", "code", text);
      button.addEventListener("click", () => { get("text").value = text; this.take(); });
      get("samples").append(button);
    }
    this.values = { x: "2", w: "3", b: "-1", y: "1" };
    this.matrix = { w: "[[1, 2], [3, 4]]", x: "[1, -1]", y: "[0, 1]" };
    for (const [id, move] of Object.entries({ start: () => 0, back: () => this.at - 1, next: () => this.at + 1, end: () => Infinity })) {
      get(`walk-${id}`).addEventListener("click", () => this.go(move()));
    }
    get("expression").addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step && event.target.tagName !== "INPUT") this.go(this.at + step);
    });
  }

  shown() {
    if (!this.walk) this.take();
  }

  /* Send what is typed; a list is the first value of what is multiplied as a matrix. */
  async take() {
    const text = get("text").value;
    for (const input of get("variables").querySelectorAll("input")) this.values[input.name] = input.value;
    if (text.includes("@") || /\b(max|min|mean)\(/.test(text)) {
      for (const [name, value] of Object.entries(this.matrix)) {
        if (!this.values[name]?.startsWith("[")) this.values[name] = value;
      }
    }
    const body = JSON.stringify({ expression: text, values: this.values });
    try {
      this.walk = await ask("expression", { method: "POST", body });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      get("complaint").textContent = error.message;
      return;
    }
    get("complaint").textContent = "";
    get("functions").textContent = this.walk.functions.join(" ");
    this.showVariables();
    this.graph = new Graph(get("graph"), this.walk);
    this.steps = [
      ...this.walk.nodes.map((node) => ({ forward: true, node, text: `${node.name} = ${node.text}`, number: node.value })),
      ...this.walk.backward.map((step) => ({ forward: false, step, text: step.lines.join("\n"), number: step.gradient })),
    ];
    this.list("walk-forward", (step) => step.forward);
    this.list("walk-backward", (step) => !step.forward);
    this.go(0);
  }

  showVariables() {
    get("variables").replaceChildren(...this.walk.variables.map(({ name, value }) => {
      const label = make("label", "code", `${name} = `);
      const input = make("input", "code");
      input.name = name;
      input.value = this.values[name] ?? value;
      input.addEventListener("change", () => this.take());
      label.append(input);
      return label;
    }));
  }

  list(id, wanted) {
    const rows = [];
    this.steps.forEach((step, i) => {
      if (!wanted(step)) return;
      const row = make("li", "");
      step.button = make("button", `line${step.forward ? "" : " backward"}`, step.text);
      step.result = make("span", "shape", "");
      step.button.prepend(step.result);
      step.button.addEventListener("click", () => this.go(i + 1));
      row.append(step.button);
      rows.push(row);
    });
    get(id).replaceChildren(...rows);
  }

  /* Go to the state after so many steps. */
  go(place) {
    this.at = Math.max(0, Math.min(this.steps.length, place));
    const values = new Map(this.walk.variables.map(({ name, value }) => [name, value]));
    const gradients = new Map();
    this.steps.forEach((step, i) => {
      const done = i < this.at;
      if (done && step.forward) values.set(step.node.name, step.node.value);
      if (done && !step.forward) gradients.set(step.step.to, step.step.gradient);
      step.button.classList.toggle("now", i === this.at - 1);
      step.result.textContent = done ? step.number : "";
    });
    const now = this.steps[this.at - 1];
    this.graph.show(values, gradients, now?.forward ? now.node.name : now?.step.node, now?.forward ? null : now?.step.to ?? null);
    get("walk-back").disabled = get("walk-start").disabled = this.at === 0;
    get("walk-next").disabled = get("walk-end").disabled = this.at === this.steps.length;
    get("walk-told").textContent = this.told(now);
  }

  told(now) {
    if (!now) return "The variables have their values. Step on, and each operation computes its own.";
    if (now.forward) return `Forward: ${now.node.name} is ${now.number}.`;
    const { node, to, part, gradient } = now.step;
    if (to === node) return `Backward begins: the result grows by 1 for each 1 that ${to} grows.`;
    const sum = part === gradient ? "" : `, ${gradient} in all`;
    return `Backward: ${node} hands ${part} on to ${to}${sum}.`;
  }
}
