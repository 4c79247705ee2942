"""repscope schema"""

import json

import typer


def schema() -> None:
    """Print the JSON Schema of a saved report."""
    from repscope.render._schema import schema as described

    typer.echo(json.dumps(described(), indent=2))
