"""Shapes by name, so that neighbours can speak of each other without importing each other."""

from app.reads.shape import Shape

SHAPES: dict[str, Shape] = {}
"""All nouns; complete once `app.reads.catalogue` is imported."""


def register(shape: Shape) -> Shape:
    """Make a shape known under its name."""
    SHAPES[shape.name] = shape
    return shape


def shape_named(name: str) -> Shape:
    """The shape of that name. Raises KeyError."""
    return SHAPES[name]
