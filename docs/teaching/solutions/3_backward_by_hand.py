"""Exercise 3, solved: one line back for each line forward."""

import numpy as np

import tinygrad_cnn as tg


def forward(p, x, y):
    z = x @ p["w1"] + p["b1"]
    h = tg.relu(z)
    error = h @ p["w2"] + p["b2"] - y
    return (error**2).mean()


def backward(p, x, y):
    z = x @ p["w1"] + p["b1"]
    h = np.maximum(z, 0)
    error = h @ p["w2"] + p["b2"] - y
    d_error = 2 * error / error.size
    d_h = d_error @ p["w2"].T
    d_z = d_h * (z > 0)
    return {"w1": x.T @ d_z, "b1": d_z.sum(0), "w2": h.T @ d_error, "b2": d_error.sum(0)}
