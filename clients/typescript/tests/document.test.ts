// Which documents can be resumed.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AuditEntriesDocument, NotResumableError, OrderChangesDocument } from '@purser/client';

import { readResumable } from '../src/resuming/document.ts';

const REFUSED: Record<string, [query: string, message: RegExp]> = {
  'no variable': ['subscription S { fills { cursor } }', /subscription S .*declare a variable/],
  'a literal cursor': ['subscription { fills(after: "x") { cursor } }', /without a name .*declare a variable/],
  'no cursor': ['subscription ($after: String) { fills(after: $after) { fill { id } } }', /select `cursor` in `fills`/],
  'a conditional cursor': [
    'subscription ($after: String, $if: Boolean!) { fills(after: $after) { cursor @include(if: $if) } }',
    /without @skip or @include/,
  ],
  'a cursor of another type': [
    'subscription ($after: String) { fills(after: $after) { fill { order { fills { edges { cursor } } } } } }',
    /select `cursor`/,
  ],
  'a query': ['query ($after: String) { fills(after: $after) { edges { cursor } } }', /must have one subscription/],
  'two subscriptions': [
    'subscription A { fills { cursor } } subscription B { fills { cursor } }',
    /or `operationName` must name one/,
  ],
};

for (const [name, [query, message]] of Object.entries(REFUSED)) {
  test(`${name} is refused`, () => {
    assert.throws(
      () => readResumable(query),
      (error) => error instanceof NotResumableError && message.test(error.message),
    );
  });
}

test('the variable and the cursor are found under any name', () => {
  const query = `
    subscription A { fills { cursor } }
    subscription B($from: String) { ... on Subscription { changed: fills(after: $from) { ...Position } } }
    fragment Position on FillChange { ... { at: cursor } }
  `;
  const { text, ...found } = readResumable(query, 'B');
  assert.equal(text, query);
  assert.deepEqual(found, { afterVariable: 'from', rootKey: 'changed', cursorKey: 'at' });
});

test('documents of this package can be resumed', () => {
  assert.equal(readResumable(OrderChangesDocument).rootKey, 'orders');
  assert.equal(readResumable(AuditEntriesDocument).cursorKey, 'cursor');
});
