// Relay: pages, objects in its store, and a subscription over a lost connection.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import relay, { type ConcreteRequest, type FetchFunction } from 'relay-runtime';
import { NotResumableError, ResumingClient, resumingClient } from '@purser/client';
import { subscribeFunction } from '@purser/client/relay';

import { Proxy } from './proxy.ts';
import budgetsQuery from './relay/__generated__/operationsBudgetsQuery.graphql.js';
import budgetsSubscription from './relay/__generated__/operationsBudgetsSubscription.graphql.js';
import ordersQuery from './relay/__generated__/operationsOrdersQuery.graphql.js';
import setBudgetMutation from './relay/__generated__/operationsSetBudgetMutation.graphql.js';
import { changeBudgets, KEY, orderInput, purser, registerStrategy, setBudget, STRATEGY, URL_OF_GRAPHQL } from './service.ts';

const fetchFunction: FetchFunction = async ({ text }, variables) => {
  const response = await fetch(URL_OF_GRAPHQL, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ query: text, variables }),
  });
  return response.json();
};

function environment(live?: ResumingClient): relay.Environment {
  return new relay.Environment({
    network: relay.Network.create(fetchFunction, live && subscribeFunction(live)),
    store: new relay.Store(new relay.RecordSource()),
  });
}

/** What the store has for a query. */
function stored<T>(from: relay.Environment, query: ConcreteRequest, variables: relay.Variables = {}): T {
  return from.lookup(relay.createOperationDescriptor(query, variables).fragment).data as T;
}

interface Orders {
  orders: { edges: { node: { clientOrderId: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
}
interface Budgets {
  feedCursor: string;
  budgets: { currency: string; allocated: string }[];
}

before(async () => {
  await registerStrategy();
  await setBudget('USDT');
  await purser.authorizeAll([1, 2, 3, 4, 5].map((number) => orderInput(`O-${number}`)));
});

test('pages are joined', async () => {
  const relayed = environment();
  const first = { first: 2 };
  // Without this Relay would drop the first page before it has the second.
  relayed.retain(relay.createOperationDescriptor(ordersQuery, first));
  await relay.fetchQuery(relayed, ordersQuery, first).toPromise();
  let pages = 1;
  let page = stored<Orders>(relayed, ordersQuery, first).orders;
  while (page.pageInfo.hasNextPage) {
    pages += 1;
    await relay.fetchQuery(relayed, ordersQuery, { first: 2, after: page.pageInfo.endCursor }).toPromise();
    page = stored<Orders>(relayed, ordersQuery, first).orders;
  }
  assert.equal(pages, 3);
  assert.deepEqual(page.edges.map(({ node }) => node.clientOrderId), ['O-5', 'O-4', 'O-3', 'O-2', 'O-1']);
});

test('the result of a mutation changes what a query shows', async () => {
  const relayed = environment();
  relayed.retain(relay.createOperationDescriptor(budgetsQuery, {}));
  await relay.fetchQuery(relayed, budgetsQuery, {}).toPromise();
  const variables = { strategy: { name: STRATEGY }, currency: 'USDT', allocated: '12345678901234567890.10' };
  await new Promise((resolve, reject) => {
    relay.commitMutation(relayed, { mutation: setBudgetMutation, variables, onCompleted: resolve, onError: reject });
  });
  const { budgets } = stored<Budgets>(relayed, budgetsQuery);
  assert.deepEqual(budgets.map(({ allocated }) => allocated), ['12345678901234567890.10']);
});

test('a change while the connection is lost arrives exactly once, and in the store', async (context) => {
  await using proxy = await Proxy.start();
  const live = resumingClient({ url: proxy.url, key: KEY, retryDelayMs: () => 5 });
  context.after(() => live.dispose());
  const relayed = environment(live);
  relayed.retain(relay.createOperationDescriptor(budgetsQuery, {}));
  await relay.fetchQuery(relayed, budgetsQuery, {}).toPromise();
  const seen: string[] = [];
  const arrivals = new EventTarget();
  const subscription = relay.requestSubscription(relayed, {
    subscription: budgetsSubscription,
    variables: { after: stored<Budgets>(relayed, budgetsQuery).feedCursor },
    onNext: (event) => {
      const { currency } = (event as { budgets: { budget: { currency: string } } }).budgets.budget;
      seen.push(currency);
      arrivals.dispatchEvent(new Event(currency));
    },
  });
  await changeBudgets(proxy, arrivals);
  assert.deepEqual(seen.slice(seen.indexOf('ALPHA')), ['ALPHA', 'USDT', 'CHARLIE']);
  const { budgets } = stored<Budgets>(relayed, budgetsQuery);
  assert.equal(budgets.find(({ currency }) => currency === 'USDT')?.allocated, '77');
  subscription.dispose();
});

test('a persisted subscription is an error', async (context) => {
  const live = resumingClient({ url: URL_OF_GRAPHQL, key: KEY });
  context.after(() => live.dispose());
  const persisted = structuredClone(budgetsSubscription);
  Object.assign(persisted.params, { text: null, id: 'abc' });
  const ended = new Promise((resolve) => {
    relay.requestSubscription(environment(live), { subscription: persisted, variables: {}, onError: resolve });
  });
  assert.ok((await ended) instanceof NotResumableError);
});
