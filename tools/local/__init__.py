"""A small network that knows outlines and texture of landscapes: trained on parts of pictures, on a CPU.

python tools/make.py local-builtin local/ --minutes 60      # as often as it takes
"""
