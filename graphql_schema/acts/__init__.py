"""Mutations asked before, whose input comes as one variable: no parsing, no validation, no object for each field.

    forms     text -> parsed, valid, of the form `mutation ($inputs: T!, ...) { field(inputs: $inputs) { ... } }`
    orders    the variable's JSON -> the ledger's commands, by the schema's rules
    answers   what is selected of each type of answer, as text with gaps; what became of each order fills them
    acting    (document, operation, JSON) -> commands -> done -> bytes

Anything out of the ordinary, in the document or in the input, is left to ordinary execution, whose answers and errors
are the same. So is an answer that cannot be given whole: graphql-core says what becomes null then.
"""

from graphql_schema.acts.acting import Acts

__all__ = ["Acts"]
