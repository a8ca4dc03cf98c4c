"""What is shown of a program: Python source, tables and pictures.

`source` puts it together: from `containers` (arguments and results), `naming`, `inlining` (what stands
inside of what), `expressions` with `spelling` (public names) and `formulas`, `preamble` for the imports,
and `layout`.
"""
