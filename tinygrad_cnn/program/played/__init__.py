"""How a program is played fast.

`rewriting` changes its lines, `binding` makes each of them a list of calls on arrays that are known
beforehand, by the `binders` of the functions that they call (`bound_arrays`, `bound_elementwise`,
`bound_images`), in memory that `buffers` plans. `play` writes the calls as one Python function.
"""
