"""Mutations whose input is one variable: no parsing, no validation, no Python object for each GraphQL field.

    fields              the table: field of `Mutation` -> how its argument is decoded, which function runs it;
                        the JSON of an order -> the ledger's command, by the schema's rules
    fast_mutation       a document -> the compiled mutation; a request -> its answer
    payload_templates   what a payload selects, as text with gaps; stored objects and values fill them

Everything else, in the document or in the input, is left to ordinary execution, whose answers and errors are the same.
So is an answer that cannot be given whole: graphql-core says what becomes null.
"""
