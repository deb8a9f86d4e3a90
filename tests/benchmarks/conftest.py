"""The benchmarks are no part of the package: they are found in the folder that they are in."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
