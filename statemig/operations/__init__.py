"""What scripts say: one small class per operation, by family, and the recorder that a script talks to."""

from statemig.operations.base import Operation, from_dict
from statemig.operations.lowering import Lowered, schema_after
from statemig.operations.recorder import Operations

__all__ = ["Lowered", "Operation", "Operations", "from_dict", "schema_after"]
