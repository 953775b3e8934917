// Relay: the subscribe function of its network.

import { type GraphQLResponse, Observable, type SubscribeFunction } from 'relay-runtime';

import { NotResumableError } from './errors.ts';
import type { ResumingClient } from './resuming/resuming_client.ts';

/** For `Network.create(fetchFunction, subscribeFunction(client))`. */
export function subscribeFunction(client: ResumingClient): SubscribeFunction {
  return ({ text, name, id }, variables) =>
    Observable.create<GraphQLResponse>((sink) => {
      if (text == null) {
        sink.error(new NotResumableError(`${name} has no text, only the id ${id}: do not persist subscriptions.`));
        return undefined;
      }
      return client.subscribe({ query: text, variables, operationName: name }, {
        next: (result) => sink.next(result as GraphQLResponse),
        error: (error) => sink.error(error),
        complete: () => sink.complete(),
      });
    });
}
