"""Where a comparison is, in the four ways of saying it that people, operations and answers need."""

from __future__ import annotations

from dataclasses import dataclass, replace

from statemig.path import Definition, Items, Path, Slot, Values, Variant


@dataclass(frozen=True, slots=True)
class Place:
    """Where the walk is. `path` is what people read (old names; it starts again at `<Node>`), `target` where an
    operation finds the place, `fresh` is `path` with the new names, `was` and `now` are the old and new names all the
    way from the top."""

    path: Path
    target: Path | None
    fresh: Path
    was: Path
    now: Path

    @classmethod
    def at(cls, old: Path, new: Path) -> Place:
        return cls(old, old, new, old, new)

    def field(self, old: str, new: str) -> Place:
        return Place(
            self.path / old,
            self.target / new if self.target is not None else None,
            self.fresh / new,
            self.was / old,
            self.now / new,
        )

    def inside(self, segment: Items | Values | Slot | Variant) -> Place:
        target = self.target / segment if self.target is not None else None
        return Place(
            self.path / segment, target, self.fresh / segment, self.was / segment, self.now / segment
        )

    def slot(self, old: int, new: int) -> Place:
        """A slot of a tuple that has another number."""
        target = self.target / Slot(new) if self.target is not None else None
        return Place(
            self.path / Slot(old), target, self.fresh / Slot(new), self.was / Slot(old), self.now / Slot(new)
        )

    def variant(self, old: Variant, new: Variant) -> Place:
        """A variant that has another tag by the time its inside changes."""
        target = self.target / new if self.target is not None else None
        return Place(self.path / old, target, self.fresh / new, self.was / old, self.now / new)

    def definition(self, name: str) -> Place:
        path = Path((Definition(name),))
        return replace(self, path=path, target=path, fresh=path)
