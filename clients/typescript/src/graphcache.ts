// @urql/exchange-graphcache: how objects are identified, and pages joined.

import type { CacheExchangeOpts, Resolver } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';

import { connectionFields, embeddedTypes, possibleTypes, singletonTypes } from './generated/cache.ts';

/** For types without `id`. */
export const keys: NonNullable<CacheExchangeOpts['keys']> = {
  ...Object.fromEntries(embeddedTypes.map((name) => [name, () => null])),
  ...Object.fromEntries(singletonTypes.map((name) => [name, () => 'only'])),
};

/** Connections are joined page by page. */
export const resolvers: Record<string, Record<string, Resolver>> = Object.fromEntries(
  Object.entries(connectionFields).map(([type, fields]) => [
    type,
    Object.fromEntries(Object.keys(fields).map((name) => [name, relayPagination() as Resolver])),
  ]),
);

/** Options for `cacheExchange`. */
export const cacheOptions = { keys, resolvers, possibleTypes } satisfies Partial<CacheExchangeOpts>;
