"""Raw ndarray kernels: the only place in the framework where speed is bought.

Kernels know nothing of tensors, gradients or tapes. They take ndarrays of any memory layout, never write to
them, and return fresh arrays of logical shape ``(N, C, H, W)`` stored as ``(C, H, W, N)``; `memory` says why.
"""
