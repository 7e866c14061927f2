"""Large inputs at the speed of the machine 「快速执行」: the results of the plain path in a fraction of its time.

A row is *plain* when every cell says exactly what it will be inside: nothing to mend, nothing to refuse, nothing odd in
its type. Plain rows are converted column by column; every other row goes through `engine.cases` as always.
"""
