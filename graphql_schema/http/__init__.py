"""`/graphql` over HTTP: requests, responses, media types, persisted queries and GraphiQL."""
