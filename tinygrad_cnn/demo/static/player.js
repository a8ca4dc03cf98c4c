"use strict";

/* Plays a program that was recorded in Python: a list of lines, each an operation on arrays.

   An array is { shape, data }, its numbers in the order of the last axis first. A line names its operands by their
   places among the inputs and the lines before it, or gives a number. */
class Player {
  constructor(program) {
    const bytes = Uint8Array.from(atob(program.weights), (letter) => letter.charCodeAt(0));
    const weights = new Float32Array(bytes.buffer);
    let at = 0;
    this.arrays = program.shapes.map((shape) => {
      const size = shape.reduce((a, b) => a * b, 1);
      at += size;
      return { shape, data: weights.subarray(at - size, at) };
    });
    this.lines = program.lines;
  }

  /* The logits of an image of shape [1, 1, 28, 28]. */
  logits(image) {
    const values = [{ shape: [1, 1, 28, 28], data: image }, ...this.arrays];
    for (const { op, args, options } of this.lines) {
      const operands = args.map((arg) => (typeof arg === "number" ? { shape: [], data: [arg] } : values[arg.value]));
      values.push(Player.operations[op](...operands, options));
    }
    return Array.from(values.at(-1).data);
  }
}

Player.operations = {
  add: (a, b) => Player.elementwise(a, b, (x, y) => x + y),
  subtract: (a, b) => Player.elementwise(a, b, (x, y) => x - y),
  multiply: (a, b) => Player.elementwise(a, b, (x, y) => x * y),
  divide: (a, b) => Player.elementwise(a, b, (x, y) => x / y),
  sqrt: (a) => ({ shape: a.shape, data: a.data.map(Math.sqrt) }),
  relu: (a) => ({ shape: a.shape, data: a.data.map((x) => (x > 0 ? x : 0)) }),
  reshape: (a, { shape }) => ({ shape, data: a.data }),

  matmul(a, b) {
    const [rows, inner] = a.shape;
    const columns = b.shape[1];
    const data = new Float32Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += a.data[i * inner + k] * b.data[k * columns + j];
        data[i * columns + j] = sum;
      }
    }
    return { shape: [rows, columns], data };
  },

  /* The mean over rows and columns: global average pooling. */
  mean(a, { shape }) {
    const size = a.shape[2] * a.shape[3];
    const data = new Float32Array(a.data.length / size);
    for (let i = 0; i < data.length; i++) {
      let sum = 0;
      for (let k = 0; k < size; k++) sum += a.data[i * size + k];
      data[i] = sum / size;
    }
    return { shape, data };
  },

  log_softmax(a) {
    const most = Math.max(...a.data);
    const sum = Math.log(a.data.reduce((total, x) => total + Math.exp(x - most), 0));
    return { shape: a.shape, data: a.data.map((x) => x - most - sum) };
  },

  max_pool2d(a, options) {
    const data = new Float32Array(options.shape.reduce((x, y) => x * y)).fill(-Infinity);
    for (let channel = 0; channel < a.shape[1]; channel++) {
      Player.taps(a, channel, channel, options, (tap, i, j, count, step) => {
        for (let k = 0; k < count; k++) data[j + k] = Math.max(data[j + k], a.data[i + k * step]);
      });
    }
    return { shape: options.shape, data };
  },

  conv2d(a, weight, ...rest) {
    const options = rest.pop();
    const bias = rest[0];
    const [outputs, channels, tall, wide] = weight.shape;
    const size = options.shape[2] * options.shape[3];
    const sums = new Float64Array(outputs * size);
    for (let output = 0; output < outputs; output++) {
      const first = Math.floor(output / (outputs / options.groups)) * channels;
      if (bias) sums.fill(bias.data[output], output * size, (output + 1) * size);
      for (let channel = 0; channel < channels; channel++) {
        const kernel = weight.data.subarray((output * channels + channel) * tall * wide);
        Player.taps(a, first + channel, output, options, (tap, i, j, count, step) => {
          const [weight, data] = [kernel[tap], a.data];
          for (let k = 0; k < count; k++) sums[j + k] += weight * data[i + k * step];
        });
      }
    }
    return { shape: options.shape, data: Float32Array.from(sums) };
  },
};

/* Call `use` for each tap of the windows of each row over one channel, as far as they are in the image: with the number
   of the tap, the first place in the image, that of the window in the output, how many windows, and the step in the
   image from one window to the next. */
Player.taps = (a, channel, output, { kernel, stride, padding, dilation, shape }, use) => {
  const [height, width] = a.shape.slice(2);
  const [tall, wide] = shape.slice(2);
  for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
    const down = Math.floor(tap / kernel[1]) * dilation[0] - padding[0];
    const across = (tap % kernel[1]) * dilation[1] - padding[1];
    for (let row = 0; row < tall; row++) {
      const y = row * stride[0] + down;
      if (y < 0 || y >= height) continue;
      const first = Math.max(0, Math.ceil(-across / stride[1]));
      const last = Math.min(wide - 1, Math.floor((width - 1 - across) / stride[1]));
      const place = (channel * height + y) * width + first * stride[1] + across;
      use(tap, place, (output * tall + row) * wide + first, last - first + 1, stride[1]);
    }
  }
};

/* Apply a function of two numbers to two arrays, the smaller of which is repeated along axes of length 1. */
Player.elementwise = (a, b, f) => {
  const rank = Math.max(a.shape.length, b.shape.length);
  const full = [a, b].map(({ shape }) => [...new Array(rank - shape.length).fill(1), ...shape]);
  const shape = full[0].map((n, axis) => Math.max(n, full[1][axis]));
  const steps = full.map((lengths) => {
    let step = 1;
    return lengths.map((_, i) => {
      const axis = rank - 1 - i;
      const found = lengths[axis] === 1 ? 0 : step;
      step *= lengths[axis];
      return found;
    }).reverse();
  });
  const data = new Float32Array(shape.reduce((x, y) => x * y, 1));
  const place = new Array(rank).fill(0);
  let [i, j] = [0, 0];
  for (let k = 0; k < data.length; k++) {
    data[k] = f(a.data[i], b.data[j]);
    for (let axis = rank - 1; axis >= 0; axis--) {
      i += steps[0][axis];
      j += steps[1][axis];
      if (++place[axis] < shape[axis]) break;
      place[axis] = 0;
      i -= steps[0][axis] * shape[axis];
      j -= steps[1][axis] * shape[axis];
    }
  }
  return { shape, data };
};
