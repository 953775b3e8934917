/** The client of Purser for TypeScript and JavaScript. See docs/clients.md. */

export * from './errors.ts';
export { connectionFields, embeddedTypes, possibleTypes, scalars, singletonTypes } from './generated/cache.ts';
export * from './generated/operations.ts';
export { type Authorization, createPurser, type Purser, type PurserOptions, type Release } from './purser.ts';
export { ResumingClient, resumingClient, type ResumingOptions, type SubscriptionRequest } from './resuming/resuming_client.ts';
export type { RetryOptions, Sink, Variables } from './resuming/resuming_subscription.ts';
