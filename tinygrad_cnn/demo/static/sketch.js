"use strict";

/* A square to draw a digit on, with a mouse, a pen, a finger or the keyboard.

   It keeps the strokes, as lists of points in units of its side, and draws them twice: in the colours of the page on
   the canvas that is seen, and in white on black on one of side x side pixels, which is what a network is given. */
class Sketch {
  constructor(canvas, side, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.strokes = [];
    this.pointer = null; // the one that is drawing
    this.cursor = null; // where the keyboard's pen stands, once a key was pressed
    this.penDown = false;
    this.paper = document.createElement("canvas");
    this.paper.width = this.paper.height = side;
    this.ink = this.paper.getContext("2d", { willReadFrequently: true });
    canvas.addEventListener("pointerdown", (event) => this.start(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.end(event));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => { this.penDown = false; this.cursor = null; this.show(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show());
    new ResizeObserver(() => this.show()).observe(canvas);
    this.show();
  }

  /* --- pointers --- */

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  start(event) {
    if (this.pointer !== null || event.button !== 0) return;
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.focus();
    this.cursor = null;
    this.strokes.push([this.place(event)]);
    this.update();
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const each of between.length ? between : [event]) this.strokes.at(-1).push(this.place(each));
    this.update();
  }

  end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.update();
  }

  /* --- the keyboard: the arrows move the pen, the space bar puts it down and lifts it --- */

  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in steps) {
      const [x, y] = this.cursor ?? [0.5, 0.5];
      const step = event.shiftKey ? 0.01 : 0.04;
      const clipped = (value) => Math.min(0.96, Math.max(0.04, value));
      this.cursor = [clipped(x + step * steps[event.key][0]), clipped(y + step * steps[event.key][1])];
      if (this.penDown) this.strokes.at(-1).push(this.cursor);
    } else if (event.key === " ") {
      this.cursor ??= [0.5, 0.5];
      this.penDown = !this.penDown;
      if (this.penDown) this.strokes.push([this.cursor]);
    } else if (event.key === "Backspace" || event.key === "z") {
      this.undo();
    } else if (event.key === "Delete" || event.key === "Escape") {
      this.clear();
    } else {
      return;
    }
    event.preventDefault();
    this.update();
  }

  /* --- what is drawn --- */

  clear() {
    this.strokes = [];
    this.penDown = false;
    this.update();
  }

  undo() {
    this.strokes.pop();
    this.penDown = false;
    this.update();
  }

  update() {
    this.show();
    this.changed();
  }

  show() {
    const ratio = window.devicePixelRatio || 1;
    const size = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    if (this.canvas.width !== size) this.canvas.width = this.canvas.height = size;
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, size, size);
    this.trace(context, size, getComputedStyle(this.canvas).color);
    if (!this.cursor) return;
    context.beginPath();
    context.arc(this.cursor[0] * size, this.cursor[1] * size, size * 0.03, 0, 2 * Math.PI);
    context.strokeStyle = context.fillStyle = getComputedStyle(document.body).getPropertyValue("--accent");
    context.lineWidth = 2 * ratio;
    if (this.penDown) context.fill();
    context.stroke();
  }

  trace(context, size, colour) {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = size * 0.065;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.strokes) {
      context.beginPath();
      context.moveTo(stroke[0][0] * size, stroke[0][1] * size);
      for (const [x, y] of stroke) context.lineTo(x * size, y * size);
      context.stroke();
    }
  }

  /* The ink of each pixel, from 0 to 255, row after row. */
  pixels() {
    const side = this.paper.width;
    this.ink.fillStyle = "#000";
    this.ink.fillRect(0, 0, side, side);
    this.trace(this.ink, side, "#fff");
    const colours = this.ink.getImageData(0, 0, side, side).data;
    return Uint8Array.from({ length: side * side }, (_, i) => colours[4 * i]);
  }
}
