// urql: the transport of its subscriptionExchange.

import type { SubscriptionForwarder } from '@urql/core';

import type { ResumingClient, SubscriptionRequest } from './resuming/resuming_client.ts';

/** For `subscriptionExchange({ forwardSubscription: forwardSubscription(client) })`. */
export function forwardSubscription(client: ResumingClient): SubscriptionForwarder {
  return (request) => ({
    subscribe: (observer) => ({
      unsubscribe: client.subscribe(request as SubscriptionRequest, observer as never),
    }),
  });
}
