"""What a network is to give: inputs that are made from a seed, and its outputs on them, as a file.

Where an artifact is made the file is written; where it is measured the inputs are made again and
its outputs are compared.
"""
