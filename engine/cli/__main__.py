"""`python -m engine.cli` is the same as `dianzhi`."""

from engine.cli import main

main()
