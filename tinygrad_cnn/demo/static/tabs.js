"use strict";

/* The tabs, and the views behind them; the address names the one that is open. */
const views = { draw: new DrawView(), train: new TrainView(), expression: new ExpressionView() };

const tabs = {
  names: Object.keys(views),

  open(name) {
    for (const other of this.names) {
      const wasShown = !get(other).hidden;
      get(other).hidden = other !== name;
      get(`tab-${other}`).setAttribute("aria-selected", other === name);
      get(`tab-${other}`).tabIndex = other === name ? 0 : -1;
      if (wasShown && other !== name) views[other].hidden?.();
    }
    history.replaceState(null, "", `#${name}`);
    views[name].shown?.();
  },

  async begin() {
    this.names.forEach((name, i) => {
      get(`tab-${name}`).addEventListener("click", () => this.open(name));
      get(`tab-${name}`).addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = this.names[(i + step + this.names.length) % this.names.length];
        this.open(next);
        get(`tab-${next}`).focus();
      });
    });
    for (const view of Object.values(views)) await view.begin();
    const asked = location.hash.slice(1);
    this.open(this.names.includes(asked) ? asked : "draw");
  },
};

tabs.begin();
