// Queries and mutations over fetch.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { type DocumentNode, Kind, print } from 'graphql';

import {
  isRetryable,
  OperationRefusedError,
  OutcomeUnknownError,
  PurserClientError,
  refusal,
  type ServiceError,
  UnauthorizedError,
  UnavailableError,
} from './errors.ts';
import {
  AuthorizeOrderDocument,
  type AuthorizeOrderInput,
  type AuthorizeOrderMutation,
  AuthorizeOrdersDocument,
  ReleaseOrderDocument,
  type ReleaseOrderMutation,
  type ReleaseOrderMutationVariables,
} from './generated/operations.ts';
import { backoffMs, pause } from './retry.ts';

const TIMEOUT_MS = 10_000;
const ATTEMPTS_MAX = 5;
const UNAUTHORIZED_STATUSES = new Set([401, 403, 429]);
const RETRYABLE_STATUSES = new Set([502, 503, 504]);

/** The outcome of an authorization; `__typename` tells which. */
export type Authorization = AuthorizeOrderMutation['authorizeOrder'];
/** The outcome of a release; `__typename` tells which. */
export type Release = ReleaseOrderMutation['releaseOrder'];

export interface PurserOptions {
  /** The URL of `/graphql`. */
  readonly url: string;
  /** The API key; by default none. */
  readonly key?: string | undefined;
  /** How long one attempt may take; by default 10 s. */
  readonly timeoutMs?: number;
  /** The number of attempts for queries, authorizations and releases; by default 5. */
  readonly attemptsMax?: number;
  /** The wait in milliseconds after so many earlier failures; by default from 250 ms to 30 s, with jitter. */
  readonly retryDelayMs?: (failures: number) => number;
  /** By default the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Sends queries and mutations to one service. All methods throw UnauthorizedError and OperationRefusedError. */
export interface Purser {
  /** Runs a query; repeats it while the service is unreachable or busy. Throws UnavailableError. */
  query<T, V>(document: TypedDocumentNode<T, V>, variables?: V): Promise<T>;
  /** Runs a mutation once. Throws OutcomeUnknownError. */
  mutate<T, V>(document: TypedDocumentNode<T, V>, variables?: V): Promise<T>;
  /**
   * Authorizes an order; repeats the request until it gets an answer: the service gives the first answer again
   * (`isRepeated`). Amounts are decimal strings. Throws OutcomeUnknownError: the order's capital may be held; authorize
   * or release it later with the same `clientOrderId`.
   */
  authorize(input: AuthorizeOrderInput): Promise<Authorization>;
  /** Like `authorize`, for at most 1000 orders, each decided on its own. One outcome for each, in the same order. */
  authorizeAll(inputs: readonly AuthorizeOrderInput[]): Promise<readonly Authorization[]>;
  /** Releases an order that was authorized and is not submitted; repeats the request. Throws OutcomeUnknownError. */
  release(order: ReleaseOrderMutationVariables): Promise<Release>;
}

/** A client for queries and mutations. */
export function createPurser(options: PurserOptions): Purser {
  const { attemptsMax = ATTEMPTS_MAX } = options;
  const repeat = <T, V>(document: TypedDocumentNode<T, V>, variables?: V): Promise<T> =>
    send(options, document, variables, attemptsMax);
  return {
    query: (document, variables) => {
      requireOperation(document, 'query');
      return repeat(document, variables);
    },
    mutate: (document, variables) => {
      requireOperation(document, 'mutation');
      return send(options, document, variables, 1);
    },
    authorize: async (input) => (await repeat(AuthorizeOrderDocument, { input })).authorizeOrder,
    authorizeAll: async (inputs) => (await repeat(AuthorizeOrdersDocument, { inputs })).authorizeOrders,
    release: async (order) => (await repeat(ReleaseOrderDocument, order)).releaseOrder,
  };
}

async function send<T, V>(
  options: PurserOptions,
  document: TypedDocumentNode<T, V>,
  variables: V | undefined,
  attemptsMax: number,
): Promise<T> {
  const body = JSON.stringify({ query: print(document), variables });
  for (let failures = 0; ; failures += 1) {
    const outcome = await attempt<T>(options, body);
    if ('data' in outcome) {
      return outcome.data;
    }
    if (failures + 1 >= attemptsMax) {
      throw exhausted(document, attemptsMax, outcome.failure);
    }
    await pause((options.retryDelayMs ?? backoffMs)(failures));
  }
}

/** The data, or why another attempt may succeed. Throws errors that a retry does not cure. */
async function attempt<T>(options: PurserOptions, body: string): Promise<{ data: T } | { failure: unknown }> {
  const { url, key, timeoutMs = TIMEOUT_MS, fetch = globalThis.fetch } = options;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/graphql-response+json, application/json;q=0.9',
        ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
      },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await response.text();
  } catch (failure) {
    return { failure };
  }
  const result = parseResult<T>(text);
  const errors = result?.errors ?? [];
  if (UNAUTHORIZED_STATUSES.has(response.status)) {
    throw new UnauthorizedError(response.status, errors.map((error) => error.message).join('; '));
  }
  if (isRetryable(errors) || RETRYABLE_STATUSES.has(response.status)) {
    return { failure: refusal(errors, result?.data) };
  }
  if (errors.length > 0) {
    throw refusal(errors, result?.data);
  }
  if (!result?.data) {
    throw new PurserClientError(`${url} answered ${response.status} without a GraphQL result.`);
  }
  return { data: result.data };
}

function parseResult<T>(text: string): { data?: T | null; errors?: readonly ServiceError[] } | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' ? parsed : null;
  } catch {
    return null;
  }
}

function exhausted(document: DocumentNode, attempts: number, cause: unknown): Error {
  const times = attempts === 1 ? 'one attempt' : `${attempts} attempts`;
  return isOperation(document, 'query')
    ? new UnavailableError(`The service did not answer the query in ${times}.`, { cause })
    : new OutcomeUnknownError(`The outcome is unknown: the service did not answer in ${times}.`, { cause });
}

function requireOperation(document: DocumentNode, kind: 'query' | 'mutation'): void {
  if (!isOperation(document, kind)) {
    throw new OperationRefusedError([{ message: `The document must have one operation, a ${kind}.` }]);
  }
}

function isOperation(document: DocumentNode, kind: 'query' | 'mutation'): boolean {
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  return operations.length === 1 && operations[0]?.operation === kind;
}
