"""The demonstration: recordings that `purser serve --demo` imports, and the script that makes them."""
