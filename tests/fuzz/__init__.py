"""Fuzzing of everything that reads what others made: files, drawings, command lines, inputs of nodes.

    python -m tests.fuzz --cases 200000 --jobs 1 --out /tmp/fuzz

runs that many cases, split over the targets, and writes a table.  Every case follows from (target, seed, number) alone,
so each can be run again by itself: ``--only pickles:4711``.  A case may be accepted or refused with a ValueError of one
sentence; anything else is a finding: another exception, numbers that are not finite, more than 2 seconds of CPU or
300 MB of memory, a crash or a hang.  ``test_fuzz.py`` runs the first few thousand cases with the other tests.
"""
