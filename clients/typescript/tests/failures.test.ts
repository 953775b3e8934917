// Which failures of a subscription end it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ConnectionRefusedError, CursorExpiredError, OperationRefusedError, UnauthorizedError } from '@purser/client';

import { fatalError } from '../src/resuming/failures.ts';

const closed = (code: number) => ({ code, reason: 'why' });
const errors = (...codes: string[]) => codes.map((code) => ({ message: code, extensions: { code } }));

const ENDING: [name: string, cause: unknown, error: new (...values: never[]) => Error][] = [
  ['a missing key', closed(4401), UnauthorizedError],
  ['a wrong or revoked key', closed(4403), UnauthorizedError],
  ['an invalid message', closed(4400), ConnectionRefusedError],
  ['a subscriber that exists', closed(4409), ConnectionRefusedError],
  ['a message that is too big', closed(1009), ConnectionRefusedError],
  ['an invalid document', errors('VALIDATION_FAILED'), OperationRefusedError],
  ['an expired cursor', errors('CURSOR_EXPIRED'), CursorExpiredError],
  ['one error of two that a retry does not cure', errors('BUSY', 'INTERNAL'), OperationRefusedError],
  ['a fault of connectionParams', new TypeError('no token'), TypeError],
];
const PASSING: [name: string, cause: unknown][] = [
  ['a lost connection', closed(1006)],
  ['a service that stops', closed(1001)],
  ['a service that restarts', closed(1012)],
  ['too many connections', closed(1013)],
  ['an internal error', closed(1011)],
  ['a connection without a pong', Object.assign(new Error('4499: Terminated'), closed(4499))],
  ['a refused connection', new Event('error')],
  ['a busy service', errors('BUSY')],
  ['a statement that took too long', errors('TIMEOUT')],
];

for (const [name, cause, error] of ENDING) {
  test(`${name} ends the subscription`, () => assert.ok(fatalError(cause) instanceof error));
}
for (const [name, cause] of PASSING) {
  test(`${name} is tried again`, () => assert.equal(fatalError(cause), null));
}
