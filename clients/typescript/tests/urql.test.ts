// urql with graphcache: pages, objects in its cache, and a subscription over a lost connection.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import {
  BudgetChangesDocument,
  BudgetsDocument,
  FeedCursorDocument,
  NotResumableError,
  OrdersDocument,
  ResumingClient,
  resumingClient,
  SetBudgetDocument,
  SetTradingStateDocument,
} from '@purser/client';
import { cacheOptions } from '@purser/client/graphcache';
import { forwardSubscription } from '@purser/client/urql';

import { Proxy } from './proxy.ts';
import { changeBudgets, KEY, orderInput, purser, registerStrategy, setBudget, STRATEGY, URL_OF_GRAPHQL } from './service.ts';

const offline = { requestPolicy: 'cache-only' } as const;
const warnings: string[] = [];

function urql(live?: ResumingClient): Client {
  const logger = (severity: string, message: string): void => void (severity === 'debug' || warnings.push(message));
  return new Client({
    url: URL_OF_GRAPHQL,
    preferGetMethod: false,
    fetchOptions: { headers: { Authorization: `Bearer ${KEY}` } },
    exchanges: [
      cacheExchange({ ...cacheOptions, logger }),
      fetchExchange,
      ...(live ? [subscriptionExchange({ forwardSubscription: forwardSubscription(live) })] : []),
    ],
  });
}

before(async () => {
  await registerStrategy();
  await setBudget('USDT');
  await purser.authorizeAll([1, 2, 3, 4, 5].map((number) => orderInput(`O-${number}`)));
});

test('pages are joined', async () => {
  const client = urql();
  const variables = { first: 2, filter: { side: 'BUY' } } as const;
  let page = await client.query(OrdersDocument, variables);
  let pages = 1;
  while (page.data?.orders.pageInfo.hasNextPage) {
    pages += 1;
    page = await client.query(OrdersDocument, { ...variables, after: page.data.orders.pageInfo.endCursor });
  }
  assert.equal(page.error, undefined);
  assert.equal(pages, 3);
  const { data } = await client.query(OrdersDocument, variables, offline);
  assert.deepEqual(
    data?.orders.edges.map(({ node }) => node.clientOrderId),
    ['O-5', 'O-4', 'O-3', 'O-2', 'O-1'],
  );
});

test('the result of a mutation changes what a query shows', async () => {
  const client = urql();
  await client.query(BudgetsDocument, {});
  const result = await client.mutation(SetBudgetDocument, {
    strategy: { name: STRATEGY },
    currency: 'USDT',
    allocated: '12345678901234567890.10',
  });
  assert.equal(result.data?.setBudget.__typename, 'BudgetSet');
  const { data } = await client.query(BudgetsDocument, {}, offline);
  assert.deepEqual(data?.budgets.map(({ allocated }) => allocated), ['12345678901234567890.10']);
});

test('the one object of a type without id is normalized', async () => {
  const client = urql();
  const query = gql<{ tradingState: { state: string } }>`
    query State {
      tradingState {
        state
        since
        actor
      }
    }
  `;
  await client.query(query, {});
  await client.mutation(SetTradingStateDocument, { scope: 'ALL', state: 'REDUCING' });
  assert.equal((await client.query(query, {}, offline)).data?.tradingState.state, 'REDUCING');
  await client.mutation(SetTradingStateDocument, { scope: 'ALL', state: 'ACTIVE' });
});

test('a change while the connection is lost arrives exactly once, and in the cache', async (context) => {
  await using proxy = await Proxy.start();
  const live = resumingClient({ url: proxy.url, key: KEY, retryDelayMs: () => 5 });
  context.after(() => live.dispose());
  const client = urql(live);
  await client.query(BudgetsDocument, {});
  const { feedCursor: after } = await purser.query(FeedCursorDocument);
  const seen: string[] = [];
  const arrivals = new EventTarget();
  const subscription = client.subscription(BudgetChangesDocument, { after }).subscribe(({ data }) => {
    seen.push(data?.budgets.currency ?? 'none');
    arrivals.dispatchEvent(new Event(data?.budgets.currency ?? 'none'));
  });
  await changeBudgets(proxy, arrivals);
  assert.deepEqual(seen.slice(seen.indexOf('ALPHA')), ['ALPHA', 'USDT', 'CHARLIE']);
  const { data } = await client.query(BudgetsDocument, {}, offline);
  assert.equal(data?.budgets.find(({ currency }) => currency === 'USDT')?.allocated, '77');
  subscription.unsubscribe();
});

test('a document that cannot be resumed is an error', async (context) => {
  const live = resumingClient({ url: URL_OF_GRAPHQL, key: KEY });
  context.after(() => live.dispose());
  const blind = gql`
    subscription Blind {
      budgets {
        currency
      }
    }
  `;
  const { error } = await urql(live).subscription(blind, {}).toPromise();
  assert.ok(error?.networkError instanceof NotResumableError);
});

test('graphcache knows how each object is identified', () => {
  // Without the whole schema it writes the fields of all fragments, and warns of those that the object does not have.
  assert.deepEqual(warnings.filter((message) => !message.startsWith('Invalid undefined')), []);
});
