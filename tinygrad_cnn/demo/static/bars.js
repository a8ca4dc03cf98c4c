"use strict";

/* A bar for each class, as long as the class is probable. Where `chosen` is given, a bar can be pressed. */
class Bars {
  constructor(parent, classes, chosen = null) {
    parent.classList.add("bars");
    this.rows = classes.map((name, i) => {
      const row = document.createElement(chosen ? "button" : "div");
      row.className = "bar";
      row.innerHTML = '<span></span><span class="track"><span class="fill"></span></span><span class="number"></span>';
      row.firstChild.textContent = name;
      row.querySelector(".fill").style.display = "block";
      if (chosen) row.addEventListener("click", () => chosen(i));
      parent.append(row);
      return row;
    });
    this.show(null);
  }

  /* Show probabilities, or nothing for null; `target` is the class that was pressed. */
  show(probabilities, target = null) {
    const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : null;
    this.rows.forEach((row, i) => {
      row.classList.toggle("best", i === best);
      row.classList.toggle("target", i === target);
      const share = probabilities ? probabilities[i] : 0;
      row.querySelector(".fill").style.transform = `scaleX(${share})`;
      row.querySelector(".number").textContent = probabilities ? `${(100 * share).toFixed(1)} %` : "";
    });
    return best;
  }
}
