// One subscription that misses no change over a lost connection.
//
// graphql-ws sends the variables of the first subscribe message again after it reconnects, so what changed in between
// is lost. Here each attempt subscribes after the cursor of the last event, and before the first event after the
// `feedCursor` as of the first attempt.

import type { FormattedExecutionResult } from 'graphql';
import type { Client, SubscribePayload } from 'graphql-ws';

import type { ResumableDocument } from './document.ts';
import { PurserClientError } from '../errors.ts';
import { pause } from '../retry.ts';
import { ConsumerFault, fatalError } from './failures.ts';

/** An attempt that lasted longer counts as a success: the next wait is short again. */
const SUCCESS_MS = 10_000;

export type Variables = Record<string, unknown>;

/** Receives results until `error` or `complete`, of which at most one is called, once. */
export interface Sink<T> {
  next(result: FormattedExecutionResult<T>): void;
  error(error: Error): void;
  complete(): void;
}

/** When a subscription tries again. */
export interface RetryOptions {
  /** The wait in milliseconds after so many earlier failures; by default from 250 ms to 30 s, with jitter. */
  readonly retryDelayMs: (failures: number) => number;
  /** Called before the wait, with what graphql-ws reported: a close or error event, or the service's errors. */
  readonly onRetry?: ((cause: unknown, failures: number) => void) | undefined;
}

export class ResumingSubscription {
  readonly #client: Client;
  readonly #document: ResumableDocument;
  readonly #payload: SubscribePayload & { variables: Variables };
  readonly #sink: Sink<unknown>;
  readonly #options: RetryOptions;
  readonly #stopping = new AbortController();
  #unsubscribe = (): void => {};

  /** Begins at once. `payload.variables` is kept up to date: it has the cursor of the last event. */
  constructor(
    client: Client,
    document: ResumableDocument,
    payload: SubscribePayload & { variables: Variables },
    sink: Sink<unknown>,
    options: RetryOptions,
  ) {
    this.#client = client;
    this.#document = document;
    this.#payload = payload;
    this.#sink = sink;
    this.#options = options;
    this.#run().then(
      () => this.#isStopped || sink.complete(),
      (error: Error) => this.#isStopped || sink.error(error),
    );
  }

  /** Unsubscribes. The sink is not called again. */
  stop(): void {
    this.#stopping.abort();
    this.#unsubscribe();
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Attempts until the service completes the subscription. Rejects with an error that a retry does not cure. */
  async #run(): Promise<void> {
    for (let failures = 0; !this.#isStopped; failures += 1) {
      const begun = performance.now();
      try {
        return await this.#attempt();
      } catch (cause) {
        const fatal = fatalError(cause);
        if (fatal !== null || this.#isStopped) {
          throw fatal;
        }
        failures = performance.now() - begun > SUCCESS_MS ? 0 : failures;
        this.#options.onRetry?.(cause, failures);
        await pause(this.#options.retryDelayMs(failures), this.#stopping.signal);
      }
    }
  }

  /** One subscription on one connection. Rejects with what graphql-ws reports, or the service's errors. */
  async #attempt(): Promise<void> {
    const { afterVariable, rootKey, cursorKey } = this.#document;
    const { variables } = this.#payload;
    if (variables[afterVariable] == null) {
      variables[afterVariable] = await this.#feedCursor();
    }
    await this.#operation<Record<string, Variables>>(this.#payload, (result) => {
      const cursor = result.data?.[rootKey]?.[cursorKey];
      if (typeof cursor !== 'string') {
        throw result.errors ?? new PurserClientError('An event has no cursor, so the subscription cannot go on.');
      }
      // graphql-ws sends this object again by itself after close code 1000.
      variables[afterVariable] = cursor;
      this.#deliver(result);
    });
  }

  async #feedCursor(): Promise<string> {
    let cursor: string | undefined;
    // Resolves with the answer, not with its completion: meanwhile graphql-ws would close an unused connection.
    await new Promise<void>((resolve, reject) => {
      this.#operation<{ feedCursor: string }>({ query: '{ feedCursor }' }, ({ data, errors }) => {
        if (!data) {
          throw errors;
        }
        cursor = data.feedCursor;
        resolve();
      }).then(() => reject(new PurserClientError('The service did not answer { feedCursor }.')), reject);
    });
    return cursor as string;
  }

  /** Runs an operation until it ends. Rejects, and unsubscribes, with what `next` throws. */
  #operation<T>(payload: SubscribePayload, next: (result: FormattedExecutionResult<T>) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let hasEnded = this.#isStopped;
      const unsubscribe = this.#client.subscribe<T>(payload, {
        next: (result) => {
          // graphql-ws may deliver what it received before `unsubscribe`.
          if (hasEnded) {
            return;
          }
          try {
            next(result as FormattedExecutionResult<T>);
          } catch (error) {
            this.#unsubscribe();
            reject(error);
          }
        },
        error: reject,
        complete: resolve,
      });
      this.#unsubscribe = () => {
        hasEnded = true;
        unsubscribe();
      };
      if (hasEnded) {
        unsubscribe();
      }
    });
  }

  #deliver(result: FormattedExecutionResult<unknown>): void {
    try {
      this.#sink.next(result);
    } catch (error) {
      throw new ConsumerFault(error);
    }
  }
}
