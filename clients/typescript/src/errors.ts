/*
 * Errors of this package:
 *
 * PurserClientError
 * ├─ NotResumableError       the subscription's document does not declare or select what resuming needs
 * ├─ ConnectionRefusedError  the service closed the connection with a code that a retry does not cure
 * ├─ UnauthorizedError       the API key is missing, wrong or revoked, or lacks the permission
 * ├─ OperationRefusedError   the service answered with GraphQL errors
 * │  └─ CursorExpiredError   the change feed cannot resume here: reload the data
 * ├─ UnavailableError        the service did not answer a query
 * └─ OutcomeUnknownError     the service may or may not have carried out a mutation
 */

/** A GraphQL error as the service sends it. */
export interface ServiceError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string; readonly [name: string]: unknown };
}

/** The base of all errors of this package. */
export class PurserClientError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The document of a subscription cannot be resumed; the message says what is missing. */
export class NotResumableError extends PurserClientError {}

/** The service closed the connection. `closeCode` is the WebSocket close code. */
export class ConnectionRefusedError extends PurserClientError {
  readonly closeCode: number;

  constructor(closeCode: number, reason: string) {
    super(`The service closed the connection: ${reason || 'no reason given'} (${closeCode})`);
    this.closeCode = closeCode;
  }
}

/** The API key is missing, wrong, revoked, or lacks the permission. `status` is the close code or HTTP status. */
export class UnauthorizedError extends PurserClientError {
  readonly status: number;

  constructor(status: number, reason: string) {
    super(reason || `The service refused the API key (${status})`);
    this.status = status;
  }
}

/** The service answered with errors. `code` is the first error's; `data` is what it sent besides. */
export class OperationRefusedError extends PurserClientError {
  readonly errors: readonly ServiceError[];
  readonly data: unknown;

  constructor(errors: readonly ServiceError[], data: unknown = null) {
    super(errors.map((error) => error.message).join('; '));
    this.errors = errors;
    this.data = data;
  }

  get code(): string | undefined {
    return this.errors[0]?.extensions?.code;
  }
}

/** A backup was restored or the rows were deleted: load the data again, and subscribe from a fresh `feedCursor`. */
export class CursorExpiredError extends OperationRefusedError {}

/** The service could not be reached, or was too busy, in every attempt. `cause` is the last failure. */
export class UnavailableError extends PurserClientError {}

/**
 * No attempt got an answer, so the service may have carried out the mutation. Repeating an authorization or a release
 * with the same input is safe and gets the first answer.
 */
export class OutcomeUnknownError extends PurserClientError {}

const RETRYABLE_CODES = new Set(['BUSY', 'TIMEOUT']);

/** Whether the same request may succeed later. */
export function isRetryable(errors: readonly ServiceError[]): boolean {
  return errors.length > 0 && errors.every((error) => RETRYABLE_CODES.has(error.extensions?.code ?? ''));
}

/** The typed error for GraphQL errors. */
export function refusal(errors: readonly ServiceError[], data: unknown = null): OperationRefusedError {
  const isExpired = errors.some((error) => error.extensions?.code === 'CURSOR_EXPIRED');
  return new (isExpired ? CursorExpiredError : OperationRefusedError)(errors, data);
}
