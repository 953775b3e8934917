"""The demonstration: what `purser serve --demo` fills an empty database with. README.md says what there is."""
