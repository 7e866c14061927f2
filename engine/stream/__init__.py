"""A year of any number of cases in constant memory 「流式清算」: two passes, integer sums between them.

The first pass reads, groups and scores each row group and leaves sums by hospital, pool and month, and on disk a few
numbers a case. The clearing runs on the sums. The second pass pays every case from its pot, with exact remainders.
"""
