"""Shapes by name, so that neighbours can speak of each other without importing each other."""

from app.reads.entity import Entity

ENTITIES: dict[str, Entity] = {}
"""All entities; complete once `app.reads.catalogue` is imported."""


def register(entity: Entity) -> Entity:
    """Make an entity known under its name."""
    ENTITIES[entity.name] = entity
    return entity


def entity_named(name: str) -> Entity:
    """The entity of that name. Raises KeyError."""
    return ENTITIES[name]
