// A client for subscriptions that miss no change, over one connection.

import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import type { DocumentNode } from 'graphql';
import { type Client, type ClientOptions, createClient } from 'graphql-ws';

import { readResumable, type ResumableDocument } from './document.ts';
import { EventQueue } from './event_queue.ts';
import { ResumingSubscription, type RetryOptions, type Sink, type Variables } from './resuming_subscription.ts';
import { backoffMs } from '../retry.ts';

const KEEP_ALIVE_MS = 10_000;
const EVENTS_WAITING_MAX = 1000;

/** A subscription as Apollo, urql, Relay and graphql-ws describe it. */
export interface SubscriptionRequest {
  readonly query: string | DocumentNode;
  readonly variables?: Readonly<Variables> | null | undefined;
  readonly operationName?: string | null | undefined;
  readonly extensions?: Record<string, unknown> | null | undefined;
}

type OwnedOptions = 'url' | 'lazy' | 'onNonLazyError' | 'retryAttempts' | 'retryWait' | 'shouldRetry';

/** The options of graphql-ws, except for those that resuming needs, and these. */
export interface ResumingOptions extends Omit<ClientOptions, OwnedOptions>, Partial<RetryOptions> {
  /** The URL of `/graphql`: `http:`, `https:`, `ws:` or `wss:`. */
  readonly url: string;
  /** The API key; by default none. A function in `connectionParams` may give another key for each connection. */
  readonly key?: string | undefined;
  /** How long the answer to a ping may take before the connection counts as lost; by default `keepAlive`. */
  readonly pongTimeoutMs?: number;
  /** How many events `iterate` keeps for a slow reader, before it unsubscribes until they are read; by default 1000. */
  readonly eventsWaitingMax?: number;
}

/** A client for subscriptions. It connects when the first one begins. */
export function resumingClient(options: ResumingOptions): ResumingClient {
  return new ResumingClient(options);
}

/** Subscriptions that are resumed after the cursor of their last event. */
export class ResumingClient {
  readonly #client: Client;
  readonly #retry: RetryOptions;
  readonly #eventsWaitingMax: number;
  readonly #running = new Map<ResumingSubscription, Sink<unknown>>();

  constructor(options: ResumingOptions) {
    const { url, key, retryDelayMs, onRetry, pongTimeoutMs, eventsWaitingMax, ...rest } = options;
    this.#retry = { retryDelayMs: retryDelayMs ?? backoffMs, onRetry };
    this.#eventsWaitingMax = eventsWaitingMax ?? EVENTS_WAITING_MAX;
    this.#client = createClient({
      keepAlive: KEEP_ALIVE_MS,
      ...(key === undefined ? {} : { connectionParams: { Authorization: `Bearer ${key}` } }),
      ...rest,
      url: url.replace(/^http/, 'ws'),
      retryAttempts: 0,
    });
    terminateWithoutPong(this.#client, pongTimeoutMs ?? rest.keepAlive ?? KEEP_ALIVE_MS);
  }

  /**
   * Sends each event to the sink exactly once, whatever happens to the connection. Returns a function that
   * unsubscribes. Errors: NotResumableError, UnauthorizedError, ConnectionRefusedError, OperationRefusedError,
   * CursorExpiredError.
   */
  subscribe<T = Variables>(request: SubscriptionRequest, sink: Sink<T>): () => void {
    let document: ResumableDocument;
    try {
      document = readResumable(request.query, request.operationName);
    } catch (error) {
      sink.error(error as Error);
      return () => {};
    }
    return this.#follow(document, request, { ...request.variables }, sink as Sink<unknown>);
  }

  /**
   * The `data` of each event, exactly once. Subscribes at once; leaving the loop unsubscribes. Throws
   * NotResumableError; the iteration throws the other errors of `subscribe`.
   */
  iterate<T = Variables, V = Variables>(
    query: string | TypedDocumentNode<T, V>,
    variables?: V,
  ): AsyncIterableIterator<T> {
    const document = readResumable(query);
    // All starts share these variables, which have the cursor of the last event.
    const live: Variables = { ...variables };
    const start = (queue: EventQueue<T>): (() => void) =>
      this.#follow(document, { query }, live, {
        next: (result) => queue.push(result.data as T),
        error: (error) => queue.end({ error }),
        complete: () => queue.end(),
      });
    return new EventQueue(start, this.#eventsWaitingMax);
  }

  /** Completes all subscriptions and closes the connection. */
  async dispose(): Promise<void> {
    for (const [subscription, sink] of this.#running) {
      subscription.stop();
      sink.complete();
    }
    this.#running.clear();
    await this.#client.dispose();
  }

  #follow(
    document: ResumableDocument,
    { operationName, extensions }: SubscriptionRequest,
    variables: Variables,
    sink: Sink<unknown>,
  ): () => void {
    const payload = { query: document.text, variables, operationName, extensions };
    const ended: Sink<unknown> = {
      next: (result) => sink.next(result),
      error: (error) => {
        this.#running.delete(subscription);
        sink.error(error);
      },
      complete: () => {
        this.#running.delete(subscription);
        sink.complete();
      },
    };
    const subscription = new ResumingSubscription(this.#client, document, payload, ended, this.#retry);
    this.#running.set(subscription, sink);
    return () => {
      this.#running.delete(subscription);
      subscription.stop();
    };
  }
}

/** Ends a connection that no longer answers pings: a broken network path closes nothing by itself. */
function terminateWithoutPong(client: Client, timeoutMs: number): void {
  let timer: ReturnType<typeof setTimeout>;
  client.on('ping', (isReceived) => {
    if (!isReceived) {
      timer = setTimeout(() => client.terminate(), timeoutMs);
    }
  });
  client.on('pong', (isReceived) => {
    if (isReceived) {
      clearTimeout(timer);
    }
  });
  client.on('closed', () => clearTimeout(timer));
}
