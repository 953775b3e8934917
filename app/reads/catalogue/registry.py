"""Shapes by name, so that neighbours can speak of each other without importing each other."""

from app.reads.shape import Shape

_SHAPES: dict[str, Shape] = {}


def register(shape: Shape) -> Shape:
    """Make a shape known under its name."""
    _SHAPES[shape.name] = shape
    return shape


def shape_named(name: str) -> Shape:
    """The shape of that name. Raises KeyError."""
    return _SHAPES[name]
