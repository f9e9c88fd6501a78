"""${docstring}
"""

from statemig import Operations

revision = ${revision}
down_revision = ${down_revision}
workflow = ${workflow}
version = ${version}


def upgrade(op: Operations) -> None:
${body}
