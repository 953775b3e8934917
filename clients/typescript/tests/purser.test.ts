// Queries and mutations over connections that are lost.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import {
  BudgetsDocument,
  createPurser,
  FeedCursorDocument,
  OperationRefusedError,
  OrdersDocument,
  OutcomeUnknownError,
  type PurserOptions,
  SetBudgetDocument,
  UnauthorizedError,
  UnavailableError,
} from '@purser/client';

import { Proxy } from './proxy.ts';
import { KEY, orderInput, purser, registerStrategy, setBudget, STRATEGY, URL_OF_GRAPHQL } from './service.ts';

let proxy: Proxy;

before(async () => {
  proxy = await Proxy.start();
  await registerStrategy();
  await setBudget('USDT', 1000);
});
after(() => proxy[Symbol.asyncDispose]());

const throughProxy = (options: Partial<PurserOptions> = {}) =>
  createPurser({ url: proxy.url, key: KEY, retryDelayMs: () => 5, ...options });

test('an authorization whose answer is lost is repeated and gets the first answer', async () => {
  proxy.loseNextAnswer();
  const outcome = await throughProxy().authorize(orderInput('O-1'));
  assert.equal(outcome.__typename, 'OrderAuthorized');
  assert.ok(outcome.__typename === 'OrderAuthorized' && outcome.isRepeated);
  assert.equal(outcome.hold.amount, '100');
  const { budgets } = await purser.query(BudgetsDocument);
  assert.deepEqual(budgets.map((budget) => budget.reserved), ['100']);
});

test('each outcome has a type of its own', async () => {
  const denied = await purser.authorize(orderInput('O-2', '1000'));
  assert.ok(denied.__typename === 'OrderDenied');
  assert.equal(denied.denyCode, 'BUDGET_EXCEEDED');
  const conflict = await purser.authorize(orderInput('O-2', '1'));
  assert.ok(conflict.__typename === 'Conflict');
  assert.equal(conflict.code, 'AUTHORIZATION_CONFLICT');
  const unknown = await purser.authorize({ ...orderInput('O-3'), strategy: { name: 'unknown' } });
  assert.ok(unknown.__typename === 'NotFound');
  const invalid = await purser.authorize(orderInput('O-3', '-1'));
  assert.ok(invalid.__typename === 'InvalidInput');
  assert.deepEqual(invalid.path, ['input', 'quantity']);
});

test('many orders are authorized at once, and released', async () => {
  const outcomes = await purser.authorizeAll([orderInput('O-4', '0.5'), orderInput('O-5', '1000')]);
  assert.deepEqual(outcomes.map((outcome) => outcome.__typename), ['OrderAuthorized', 'OrderDenied']);
  const order = { strategy: { name: STRATEGY }, clientOrderId: 'O-4' };
  proxy.loseNextAnswer();
  const released = await throughProxy().release(order);
  assert.ok(released.__typename === 'OrderReleased' && released.isRepeated);
});

test('a query is repeated', async () => {
  proxy.loseNextAnswer();
  const { orders } = await throughProxy().query(OrdersDocument, { filter: { clientOrderId: { eq: 'O-1' } } });
  assert.deepEqual(orders.edges.map(({ node }) => [node.clientOrderId, node.quantity]), [['O-1', '1']]);
});

test('a mutation is not repeated by itself, and its outcome is unknown', async () => {
  proxy.loseNextAnswer();
  const variables = { strategy: { name: STRATEGY }, currency: 'USDT', allocated: '2000' };
  await assert.rejects(throughProxy().mutate(SetBudgetDocument, variables), OutcomeUnknownError);
});

test('attempts end', async () => {
  await proxy.cut();
  const before = proxy.connections;
  await assert.rejects(throughProxy({ attemptsMax: 3 }).query(FeedCursorDocument), UnavailableError);
  assert.equal(proxy.connections, before + 3);
  await assert.rejects(throughProxy({ attemptsMax: 2 }).authorize(orderInput('O-6')), OutcomeUnknownError);
  proxy.silence();
  await assert.rejects(throughProxy({ attemptsMax: 1, timeoutMs: 50 }).query(FeedCursorDocument), UnavailableError);
  proxy.open();
});

test('a wrong key and errors of the service are not repeated', async () => {
  const before = proxy.connections;
  await assert.rejects(
    throughProxy({ key: 'wrong' }).query(FeedCursorDocument),
    (error) => error instanceof UnauthorizedError && error.status === 401 && error.message !== '',
  );
  await assert.rejects(
    throughProxy().query(OrdersDocument, { first: 1001 }),
    (error) => error instanceof OperationRefusedError && error.code === 'PAGE_TOO_LARGE',
  );
  assert.ok(proxy.connections <= before + 2);
});

test('a response that is not GraphQL is an error', async () => {
  const elsewhere = createPurser({ url: URL_OF_GRAPHQL.replace('/graphql', '/nowhere') });
  await assert.rejects(elsewhere.query(FeedCursorDocument), /answered 40\d/);
});

test('a method refuses the other kind of operation', async () => {
  assert.throws(() => purser.query(SetBudgetDocument), /one operation, a query/);
  assert.throws(() => purser.mutate(FeedCursorDocument), /one operation, a mutation/);
});
