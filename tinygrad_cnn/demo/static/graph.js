"use strict";

/* A picture of an expression: a box for each variable and each operation, the result at the bottom. */
class Graph {
  constructor(parent, walk) {
    this.boxes = new Map();
    this.edges = [];
    const placed = Graph.places(walk);
    const width = Math.max(...[...placed.values()].map((place) => place.x)) + Graph.WIDTH + 8;
    const height = Math.max(...[...placed.values()].map((place) => place.y)) + Graph.HEIGHT + 8;
    const svg = Graph.element("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
    svg.setAttribute("aria-label", "The expression as a graph");
    for (const node of walk.nodes) {
      for (const operand of node.operands) this.addEdge(svg, placed, operand, node.name);
    }
    for (const variable of walk.variables) this.addBox(svg, placed, variable.name, variable.name, "variable");
    for (const node of walk.nodes) this.addBox(svg, placed, node.name, node.text, "node");
    parent.replaceChildren(svg);
  }

  static element(name, attributes) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  /* A node stands one row below the lowest of its operands, and a variable one row above its first use. */
  static places(walk) {
    const rows = new Map(walk.variables.map((variable) => [variable.name, 0]));
    for (const node of walk.nodes) rows.set(node.name, 1 + Math.max(-1, ...node.operands.map((name) => rows.get(name))));
    for (const variable of walk.variables) {
      const users = walk.nodes.filter((node) => node.operands.includes(variable.name));
      rows.set(variable.name, Math.min(...users.map((node) => rows.get(node.name))) - 1);
    }
    const count = Math.max(...rows.values()) + 1;
    const widest = Math.max(...Array.from({ length: count }, (_, row) => [...rows.values()].filter((r) => r === row).length));
    const middle = (widest * Graph.STRIDE) / 2;
    const placed = new Map();
    const operands = new Map(walk.nodes.map((node) => [node.name, node.operands]));
    for (let row = 0; row < count; row++) {
      const names = [...rows.keys()].filter((name) => rows.get(name) === row);
      const pull = (name) => {
        const above = (operands.get(name) ?? []).map((other) => placed.get(other)?.x).filter((x) => x !== undefined);
        return above.length ? above.reduce((a, b) => a + b) / above.length : middle;
      };
      names.sort((a, b) => pull(a) - pull(b));
      names.forEach((name, i) => placed.set(name, {
        x: middle + (i - names.length / 2) * Graph.STRIDE + 4, y: row * Graph.ROW + 4,
      }));
    }
    return placed;
  }

  addEdge(svg, placed, from, to) {
    const [a, b] = [placed.get(from), placed.get(to)];
    const half = Graph.WIDTH / 2;
    const [x1, y1, x2, y2] = [a.x + half, a.y + Graph.HEIGHT, b.x + half, b.y];
    const bend = (y2 - y1) / 2;
    const path = Graph.element("path", { d: `M${x1} ${y1} C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`, class: "edge" });
    svg.append(path);
    this.edges.push({ from, to, path });
  }

  addBox(svg, placed, name, text, kind) {
    const { x, y } = placed.get(name);
    const group = Graph.element("g", { class: kind, transform: `translate(${x} ${y})` });
    group.append(Graph.element("rect", { class: "box", width: Graph.WIDTH, height: Graph.HEIGHT, rx: 8 }));
    const lines = ["title", "value", "gradient"].map((part, i) => {
      const line = Graph.element("text", { class: part, x: 10, y: 19 + 18 * i });
      group.append(line);
      return line;
    });
    lines[0].textContent = Graph.fitted(kind === "variable" ? name : `${name} = ${text}`);
    const title = Graph.element("title", {});
    title.textContent = `${name} = ${text}`;
    group.append(title);
    svg.append(group);
    this.boxes.set(name, { group, value: lines[1], gradient: lines[2] });
  }

  static fitted(text) {
    return text.length > 21 ? `${text.slice(0, 20)}…` : text;
  }

  /* Show the values and the gradients that are known by now, and mark what is at work. */
  show(values, gradients, from, to) {
    for (const [name, box] of this.boxes) {
      box.value.textContent = values.has(name) ? Graph.fitted(`= ${values.get(name)}`) : "";
      box.gradient.textContent = gradients.has(name) ? Graph.fitted(`d = ${gradients.get(name)}`) : "";
      box.group.classList.toggle("now", name === from);
      box.group.classList.toggle("to", name === to && to !== from);
    }
    for (const edge of this.edges) {
      const back = edge.from === to && edge.to === from;
      edge.path.classList.toggle("now", back || (to === null && edge.to === from));
    }
  }
}
Graph.WIDTH = 172;
Graph.HEIGHT = 66;
Graph.STRIDE = 188;
Graph.ROW = 104;
