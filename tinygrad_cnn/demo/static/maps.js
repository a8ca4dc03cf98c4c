"use strict";

/* Arrays as pictures. The server sends the channels of an array as bytes: from 0 to the largest number, or, where
   numbers are negative too, with 0 at 128. Colours are those of the page, so they change with its theme. */
const shownMaps = new Map(); // what each element shows, for another theme

function showMaps(parent, maps) {
  const [channels, height, width] = maps.shape;
  const bytes = Uint8Array.from(atob(maps.bytes), (letter) => letter.charCodeAt(0));
  shownMaps.set(parent, maps);
  parent.classList.toggle("single", channels === 1 && height > 1);
  while (parent.children.length > channels) parent.lastChild.remove();
  for (let i = 0; i < channels; i++) {
    const canvas = parent.children[i] ?? parent.appendChild(document.createElement("canvas"));
    if (canvas.width !== width || canvas.height !== height || !canvas.className) {
      canvas.className = `map${height === 1 && width > 1 ? " strip" : width === 1 ? " dot" : ""}`;
      [canvas.width, canvas.height] = [width, height];
    }
    const size = height * width;
    paint(canvas, bytes.subarray(i * size, (i + 1) * size), maps.signed);
  }
  parent.title = `the strongest colour is ${maps.top}`;
}

function paint(canvas, bytes, signed) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const picture = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(picture.data.buffer);
  const colours = mapColours(signed);
  for (let i = 0; i < bytes.length; i++) pixels[i] = colours[bytes[i]];
  context.putImageData(picture, 0, 0);
}

/* The colour of each byte, as a pixel: from that of zero to that of what is positive, or negative. */
function mapColours(signed) {
  const key = signed ? "signed" : "plain";
  if (mapColours[key]) return mapColours[key];
  const style = getComputedStyle(document.documentElement);
  const read = (name) => [1, 3, 5].map((at) => parseInt(style.getPropertyValue(name).trim().slice(at, at + 2), 16));
  const [zero, plus, minus] = [read("--zero"), read(signed ? "--plus" : "--ink"), read("--minus")];
  const table = new Uint8Array(4 * 256).fill(255);
  for (let byte = 0; byte < 256; byte++) {
    const share = signed ? Math.min(1, Math.abs(byte - 128) / 127) : byte / 255;
    const end = signed && byte < 128 ? minus : plus;
    for (let k = 0; k < 3; k++) table[4 * byte + k] = zero[k] + share * (end[k] - zero[k]);
  }
  return (mapColours[key] = new Uint32Array(table.buffer));
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  mapColours.signed = mapColours.plain = null;
  for (const [parent, maps] of shownMaps) parent.isConnected ? showMaps(parent, maps) : shownMaps.delete(parent);
});
