"""Documents as the endpoint keeps them, and their operations."""

from graphql_schema import schema
from graphql_schema.errors import RequestRefused
from graphql_schema.http.application import GraphQLEndpoint
from graphql_schema.http.documents import Documents, Operation
from tests.application import split_options


def new_documents(**options: int) -> Documents:
    return GraphQLEndpoint(schema._schema, *split_options(**options)).documents


def operation_in(documents: Documents, text: str) -> Operation | None:
    """The only operation of the document; None if it is refused."""
    try:
        return documents.find(text).operation(None)
    except RequestRefused:
        return None
