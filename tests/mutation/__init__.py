"""A small mutation tool: it breaks the package in one place at a time and sees whether a test notices.

``python -m tests.mutation --help`` lists its commands; pytest collects only the tests of the tool itself.
"""
