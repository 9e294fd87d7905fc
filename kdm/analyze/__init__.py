"""Studies of a trained student as pictures: its operator, its outliers, its map of the noise.

Each module draws one kind of picture from arrays and returns the bytes of a PNG; equal arrays give
equal bytes, so that a report that is made again is the same file.
"""
