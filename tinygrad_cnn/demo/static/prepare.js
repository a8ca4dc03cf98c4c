"use strict";

/* The drawing of one digit as MNIST would have it: what data.prepare_digit does in Python, step by step and number by
   number, for a square of side x side bytes of ink. The result is 28 x 28 numbers from 0 to 1. */
function prepareDigit(pixels, side) {
  const ink = Preparation.ink(Array.from(pixels, (byte) => byte / 255), side);
  const at = (row, column) => ink[row * side + column];
  const lines = Array.from({ length: side }, (_, i) => i);
  const rows = lines.filter((row) => lines.some((column) => at(row, column) > 0));
  const columns = lines.filter((column) => lines.some((row) => at(row, column) > 0));
  if (!rows.length) return new Float32Array(784);
  const tall = rows.at(-1) - rows[0] + 1;
  const wide = columns.at(-1) - columns[0] + 1;
  const scale = 20 / Math.max(tall, wide);
  const [height, width] = [tall, wide].map((size) => Math.max(1, Preparation.rounded(scale * size)));
  const down = Preparation.averages(tall, height);
  const across = Preparation.averages(wide, width);
  const small = down.map((weights) => across.map((others) => {
    let sum = 0;
    for (let i = 0; i < tall; i++) {
      if (!weights[i]) continue;
      for (let j = 0; j < wide; j++) sum += weights[i] * others[j] * at(rows[0] + i, columns[0] + j);
    }
    return sum;
  }));
  return Preparation.centred(small);
}

const Preparation = {
  /* How much ink each pixel has, without the background and its noise. */
  ink(grey, side) {
    const background = this.background(grey, side);
    const difference = grey.map((value, i) => value - background[i]);
    const most = Math.max(...difference.map(Math.abs));
    const strong = difference.filter((value) => Math.abs(value) > 0.5 * most);
    const sign = strong.reduce((a, b) => a + b, 0) > 0 ? 1 : -1;
    let ink = difference.map((value) => Math.max(0, sign * value));
    const largest = Math.max(...ink);
    let top = this.quantile(ink, 0.998);
    top = top > 0.25 * largest ? top : largest;
    if (top < 0.04) return ink.fill(0);
    ink = ink.map((value) => Math.min(1, value / top));
    const level = this.threshold(ink);
    const faint = ink.filter((value) => value < 0.5 * level);
    const noise = Math.sqrt(faint.reduce((sum, value) => sum + value * value, 0) / faint.length);
    const low = Math.min(0.5 * level, 3 * noise);
    ink = ink.map((value) => Math.min(1, Math.max(0, (value - low) / (1 - low))));
    const kept = this.widened(this.largeParts(ink.map((value) => value > 0.5 * level), side), side);
    return ink.map((value, i) => (kept[i] ? value : 0));
  },

  /* A plane of brightness, fitted to the border and then to what lies near it. */
  background(grey, side) {
    const place = (i) => -1 + (2 * i) / (side - 1);
    const thickness = Math.max(1, Math.floor(side / 12));
    const edge = (i) => i < thickness || i >= side - thickness;
    let near = grey.map((_, i) => edge(Math.floor(i / side)) || edge(i % side));
    const start = this.median(grey.filter((_, i) => near[i]));
    let fitted = grey.map(() => start);
    for (let round = 0; round < 4; round++) {
      const distance = grey.map((value, i) => Math.abs(value - fitted[i]));
      const spread = Math.max(2.5 * this.median(distance.filter((_, i) => near[i])), 0.06);
      const used = distance.map((value) => value < spread);
      if (used.filter(Boolean).length < 12) break;
      const [a, b, c] = this.plane(grey, used, side, place);
      fitted = grey.map((_, i) => a + b * place(Math.floor(i / side)) + c * place(i % side));
      near = used;
    }
    return fitted;
  },

  /* Least squares of a + b * row + c * column over the used pixels, by the normal equations. */
  plane(grey, used, side, place) {
    const matrix = [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]];
    grey.forEach((value, i) => {
      if (!used[i]) return;
      const terms = [1, place(Math.floor(i / side)), place(i % side), value];
      for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) matrix[j][k] += terms[j] * terms[k];
    });
    for (let j = 0; j < 3; j++) {
      for (let i = 0; i < 3; i++) {
        if (i === j) continue;
        const factor = matrix[i][j] / matrix[j][j];
        for (let k = j; k < 4; k++) matrix[i][k] -= factor * matrix[j][k];
      }
    }
    return matrix.map((row, j) => row[3] / row[j]);
  },

  median(values) {
    return this.quantile(values, 0.5);
  },

  quantile(values, share) {
    const sorted = Float64Array.from(values).sort();
    const place = share * (sorted.length - 1);
    const low = Math.floor(place);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
  },

  /* The level that parts ink from background best (Otsu 1979). */
  threshold(ink) {
    const counts = new Array(64).fill(0);
    for (const value of ink) counts[Math.min(63, Math.floor(value * 64))]++;
    const all = counts.reduce((sum, count, i) => sum + (count * (i + 0.5)) / 64, 0);
    let [below, mass, best, level] = [0, 0, -1, 1];
    counts.forEach((count, i) => {
      below += count;
      mass += (count * (i + 0.5)) / 64;
      const above = ink.length - below;
      if (!below || !above) return;
      const between = below * above * (mass / below - (all - mass) / above) ** 2;
      if (between > best) [best, level] = [between, (i + 1) / 64];
    });
    return level;
  },

  /* Ink without specks of dirt: parts, joined over corners too, that are far smaller than the largest one. */
  largeParts(ink, side) {
    const parts = [];
    const seen = new Uint8Array(ink.length);
    for (let start = 0; start < ink.length; start++) {
      if (!ink[start] || seen[start]) continue;
      seen[start] = 1;
      const part = [start];
      for (let next = 0; next < part.length; next++) {
        for (const other of this.around(part[next], side)) {
          if (!ink[other] || seen[other]) continue;
          seen[other] = 1;
          part.push(other);
        }
      }
      parts.push(part);
    }
    const most = Math.max(...parts.map((part) => part.length));
    const kept = new Array(ink.length).fill(false);
    for (const part of parts) if (part.length >= 0.08 * most) for (const i of part) kept[i] = true;
    return kept;
  },

  widened(ink, side) {
    const found = new Array(ink.length).fill(false);
    ink.forEach((value, i) => { if (value) for (const other of this.around(i, side)) found[other] = true; });
    return found;
  },

  around(i, side) {
    const found = [];
    const [row, column] = [Math.floor(i / side), i % side];
    for (let r = Math.max(0, row - 1); r <= Math.min(side - 1, row + 1); r++) {
      for (let c = Math.max(0, column - 1); c <= Math.min(side - 1, column + 1); c++) found.push(r * side + c);
    }
    return found;
  },

  /* The matrix that turns so many pixels of a line into fewer or more, each the mean of its part. */
  averages(before, after) {
    return Array.from({ length: after }, (_, i) => {
      const [low, high] = [(i * before) / after, ((i + 1) * before) / after];
      const overlap = Array.from({ length: before }, (_, pixel) => Math.max(0, Math.min(high, pixel + 1) - Math.max(low, pixel)));
      const sum = overlap.reduce((a, b) => a + b);
      return overlap.map((value) => value / sum);
    });
  },

  /* The digit in the frame, its centre of mass at the pixel (14, 14), or next to it, and its darkest ink 1. */
  centred(small) {
    const [height, width] = [small.length, small[0].length];
    const most = Math.max(...small.flat());
    let [mass, down, across] = [0, 0, 0];
    small.forEach((row, i) => row.forEach((value, j) => {
      mass += value;
      down += value * i;
      across += value * j;
    }));
    const corner = (centre, size) => Math.min(28 - size, Math.max(0, this.rounded(14 - centre)));
    const [top, left] = [corner(down / mass, height), corner(across / mass, width)];
    const frame = new Float32Array(784);
    small.forEach((row, i) => row.forEach((value, j) => { frame[(top + i) * 28 + left + j] = value / most; }));
    return frame;
  },

  /* Rounding as Python does it: halves go to the even neighbour. */
  rounded(value) {
    const low = Math.floor(value);
    if (value - low !== 0.5) return Math.round(value);
    return low % 2 === 0 ? low : low + 1;
  },
};
