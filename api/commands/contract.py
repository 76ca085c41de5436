"""`credits schema`: the GraphQL schema that this program serves."""

import typer


def schema() -> None:
    """Print the schema, as a client's code generator reads it."""
    from schema.schema import sdl  # loaded here: no other command needs it

    typer.echo(sdl(), nl=False)
