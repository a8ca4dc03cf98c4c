"use strict";

const get = (id) => document.getElementById(id);

function make(name, className, text = "") {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

/* What the server says about a refused request, which is for whoever sent it. */
class Refused extends Error {}

/* Ask the server; a server that does not answer is told once, at the top of the page. */
async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    get("trouble").textContent = "The server does not answer: start the command again, and open its new address.";
    get("trouble").hidden = false;
    throw error;
  }
  get("trouble").hidden = true;
  if (!answer.ok) throw new Refused((await answer.text()).trim());
  return answer.json();
}

/* Work of which one call runs and at most one waits: the newest, which stands for those before it. */
class OneAtATime {
  constructor(work) {
    this.work = work;
    this.running = this.waiting = false;
  }

  async run() {
    this.waiting = true;
    if (this.running) return;
    this.running = true;
    try {
      while (this.waiting) {
        this.waiting = false;
        await this.work();
      }
    } finally {
      this.running = false;
    }
  }
}
