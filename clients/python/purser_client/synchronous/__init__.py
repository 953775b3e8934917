"""The synchronous client, made from the package `asynchronous` by generate.py. Not edited by hand."""
