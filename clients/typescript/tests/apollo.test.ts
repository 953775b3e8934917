// Apollo Client 4: pages, objects in its cache, and a subscription over a lost connection.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { OperationTypeNode } from 'graphql';
import { filter, firstValueFrom } from 'rxjs';
import {
  BudgetChangesDocument,
  BudgetsDocument,
  FeedCursorDocument,
  NotResumableError,
  OrdersDocument,
  type OrdersQuery,
  resumingClient,
  SetBudgetDocument,
  SetTradingStateDocument,
} from '@purser/client';
import { possibleTypes, ResumingLink, typePolicies } from '@purser/client/apollo';

import { Proxy } from './proxy.ts';
import { changeBudgets, KEY, orderInput, purser, registerStrategy, setBudget, STRATEGY, URL_OF_GRAPHQL } from './service.ts';

const http = new HttpLink({ uri: URL_OF_GRAPHQL, headers: { Authorization: `Bearer ${KEY}` } });

function apollo(subscriptions: ApolloLink = ApolloLink.empty()): ApolloClient {
  return new ApolloClient({
    link: ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, subscriptions, http),
    cache: new InMemoryCache({ possibleTypes, typePolicies }),
  });
}

before(async () => {
  await registerStrategy();
  await setBudget('USDT');
  await purser.authorizeAll([1, 2, 3, 4, 5].map((number) => orderInput(`O-${number}`)));
});

test('pages are joined', async () => {
  const client = apollo();
  const query = client.watchQuery({ query: OrdersDocument, variables: { first: 2, filter: { side: 'BUY' } } });
  /** The first result that shows so many orders. */
  const shown = async (count: number): Promise<OrdersQuery['orders']> => {
    const result = await firstValueFrom(query.pipe(filter(({ data }) => data?.orders?.edges?.length === count)));
    return (result.data as OrdersQuery).orders;
  };
  let list = await shown(2);
  for (const count of [4, 5]) {
    assert.ok(list.pageInfo.hasNextPage);
    await query.fetchMore({ variables: { after: list.pageInfo.endCursor } });
    list = await shown(count);
  }
  assert.ok(!list.pageInfo.hasNextPage);
  assert.deepEqual(list.edges.map(({ node }) => node.clientOrderId), ['O-5', 'O-4', 'O-3', 'O-2', 'O-1']);
  // Another filter is another list.
  const sells = await client.query({ query: OrdersDocument, variables: { first: 2, filter: { side: 'SELL' } } });
  assert.deepEqual(sells.data?.orders.edges, []);
  await shown(5);
});

test('the result of a mutation changes what a query shows', async () => {
  const client = apollo();
  await client.query({ query: BudgetsDocument });
  const result = await client.mutate({
    mutation: SetBudgetDocument,
    variables: { strategy: { name: STRATEGY }, currency: 'USDT', allocated: '12345678901234567890.10' },
  });
  assert.equal(result.data?.setBudget.__typename, 'BudgetSet');
  const budgets = client.readQuery({ query: BudgetsDocument })?.budgets;
  assert.deepEqual(budgets?.map(({ allocated }) => allocated), ['12345678901234567890.10']);
});

test('the one object of a type without id is normalized', async () => {
  const client = apollo();
  const query = gql`
    query State {
      tradingState {
        state
        since
        actor
      }
    }
  `;
  await client.query({ query });
  await client.mutate({ mutation: SetTradingStateDocument, variables: { scope: 'ALL', state: 'REDUCING' } });
  assert.equal(client.readQuery<{ tradingState: { state: string } }>({ query })?.tradingState.state, 'REDUCING');
  await client.mutate({ mutation: SetTradingStateDocument, variables: { scope: 'ALL', state: 'ACTIVE' } });
});

test('a change while the connection is lost arrives exactly once, and in the cache', async (context) => {
  await using proxy = await Proxy.start();
  const live = resumingClient({ url: proxy.url, key: KEY, retryDelayMs: () => 5 });
  context.after(() => live.dispose());
  const client = apollo(new ResumingLink(live));
  await client.query({ query: BudgetsDocument });
  const { feedCursor: after } = await purser.query(FeedCursorDocument);
  const seen: string[] = [];
  const arrivals = new EventTarget();
  const subscription = client.subscribe({ query: BudgetChangesDocument, variables: { after } }).subscribe(({ data }) => {
    seen.push(data?.budgets.currency ?? 'none');
    arrivals.dispatchEvent(new Event(data?.budgets.currency ?? 'none'));
  });
  await changeBudgets(proxy, arrivals);
  assert.deepEqual(seen.slice(seen.indexOf('ALPHA')), ['ALPHA', 'USDT', 'CHARLIE']);
  const budgets = client.readQuery({ query: BudgetsDocument })?.budgets;
  assert.equal(budgets?.find(({ currency }) => currency === 'USDT')?.allocated, '77');
  subscription.unsubscribe();
});

test('a document that cannot be resumed is an error', async (context) => {
  const live = resumingClient({ url: URL_OF_GRAPHQL, key: KEY });
  context.after(() => live.dispose());
  const query = gql`
    subscription Blind {
      budgets {
        currency
      }
    }
  `;
  const result = await new Promise<{ error?: unknown }>((resolve, reject) => {
    apollo(new ResumingLink(live)).subscribe({ query }).subscribe({ next: resolve, error: reject });
  });
  assert.ok(result.error instanceof NotResumableError);
});
