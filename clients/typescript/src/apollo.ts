// Apollo Client 4: a link for subscriptions, and policies of its cache.

import type { TypePolicies } from '@apollo/client';
import { ApolloLink } from '@apollo/client/link';
import { relayStylePagination } from '@apollo/client/utilities';
import { Observable } from 'rxjs';

import { connectionFields, singletonTypes } from './generated/cache.ts';
import type { ResumingClient } from './resuming/resuming_client.ts';

export { possibleTypes } from './generated/cache.ts';

/** A terminating link for subscriptions, in place of `GraphQLWsLink`. */
export class ResumingLink extends ApolloLink {
  readonly #client: ResumingClient;

  constructor(client: ResumingClient) {
    super();
    this.#client = client;
  }

  override request(operation: ApolloLink.Operation): Observable<ApolloLink.Result> {
    const { query, variables, operationName, extensions } = operation;
    return new Observable((observer) =>
      this.#client.subscribe({ query, variables, operationName, extensions }, observer),
    );
  }
}

/** Connections are joined page by page, for queries that select `edges`. */
export const typePolicies: TypePolicies = {
  ...Object.fromEntries(singletonTypes.map((name) => [name, { keyFields: [] }])),
  ...Object.fromEntries(
    Object.entries(connectionFields).map(([type, fields]) => [
      type,
      {
        fields: Object.fromEntries(
          Object.entries(fields).map(([name, keyArguments]) => [name, relayStylePagination(keyArguments)]),
        ),
      },
    ]),
  ),
};
