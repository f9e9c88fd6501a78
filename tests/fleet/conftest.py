import sys
from pathlib import Path

# The workflow of the store's tests is the fleet's too.
sys.path.append(str(Path(__file__).parent.parent / "store"))
