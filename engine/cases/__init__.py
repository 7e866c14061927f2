"""From a file of discharge records to arrays the grouper can read 「读取、校验、编码」.

The way of a row: `read` (files → canonical columns) → `validate` (accepted, or rejected with a code) → `encode`
(code strings → integers). `load` runs the first two over all files. `columns` names every column of every file.
Nothing here groups or pays.
"""
