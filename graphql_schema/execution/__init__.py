"""From a GraphQL operation to reads and their JSON.

root_fields       the table: field of `Query` -> entity, resolver, rows
selection         a field of a document -> `ReadQuery` and values
arguments         arguments -> `ListArgs`, `Grouping`, `Span`
placeholders      what stands for a value while an operation plan is compiled
executor          graphql-core's executor, for which JSON and keys are results
"""
