// Which failures of a subscription another attempt may cure.

import {
  ConnectionRefusedError,
  isRetryable,
  PurserClientError,
  refusal,
  type ServiceError,
  UnauthorizedError,
} from '../errors.ts';

const UNAUTHORIZED_CODES = new Set([4401, 4403]);
/** Close codes that the same client would get again. 1011 is not one: the fault may have been a passing one. */
const FATAL_CODES = new Set([1002, 1003, 1007, 1008, 1009, 1010, 4004, 4005, 4400, 4406, 4409, 4429, 4500]);

/** Carries what the consumer of events threw, so that it ends the subscription whatever it is. */
export class ConsumerFault {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** The error for a failed attempt; null if another attempt may succeed. */
export function fatalError(cause: unknown): Error | null {
  if (cause instanceof ConsumerFault) {
    return cause.error instanceof Error ? cause.error : new PurserClientError(String(cause.error));
  }
  if (Array.isArray(cause)) {
    const errors = cause as ServiceError[];
    return isRetryable(errors) ? null : refusal(errors);
  }
  if (isCloseEvent(cause)) {
    if (UNAUTHORIZED_CODES.has(cause.code)) {
      return new UnauthorizedError(cause.code, cause.reason);
    }
    return FATAL_CODES.has(cause.code) ? new ConnectionRefusedError(cause.code, cause.reason) : null;
  }
  // An error event of the WebSocket is no Error: the connection could not be made, or was lost.
  return cause instanceof Error ? cause : null;
}

function isCloseEvent(cause: unknown): cause is { code: number; reason: string } {
  return typeof cause === 'object' && cause !== null && 'code' in cause && 'reason' in cause;
}
