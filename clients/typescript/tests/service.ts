// The service that the tests use, and changes of its data. tests/clients/typescript serves it.

import { once } from 'node:events';

import { type AuthorizeOrderInput, createPurser, RegisterStrategyDocument, SetBudgetDocument } from '@purser/client';

import type { Proxy } from './proxy.ts';

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set: run these tests with pytest tests/clients/typescript`);
  }
  return value;
}

export const URL_OF_GRAPHQL = variable('PURSER_TEST_URL');
/** An administrator's key. */
export const KEY = variable('PURSER_TEST_KEY');
export const STRATEGY = 'EMACross-000';
export const TRADER = 'TRADER-001';

/** Reaches the service whatever a proxy does. */
export const purser = createPurser({ url: URL_OF_GRAPHQL, key: KEY });

export async function registerStrategy(): Promise<void> {
  await purser.mutate(RegisterStrategyDocument, { traderId: TRADER, name: STRATEGY });
}

/** Sets a budget: one change for subscribers to budgets, which the currency identifies. */
export async function setBudget(currency: string, allocated = 1000): Promise<void> {
  const { setBudget: outcome } = await purser.mutate(SetBudgetDocument, {
    strategy: { name: STRATEGY },
    currency,
    allocated: String(allocated),
    newCurrency: true,
  });
  if (outcome.__typename !== 'BudgetSet') {
    throw new Error(outcome.message);
  }
}

/** Changes three budgets, the second one while the connection is lost. Each change is awaited in `arrivals`. */
export async function changeBudgets(proxy: Proxy, arrivals: EventTarget): Promise<void> {
  const changes: [string, () => Promise<void> | void][] = [
    ['ALPHA', () => {}],
    ['USDT', () => proxy.cut()],
    ['CHARLIE', () => {}],
  ];
  for (const [currency, prepare] of changes) {
    await prepare();
    const arrival = once(arrivals, currency);
    await setBudget(currency, 77);
    proxy.open();
    await arrival;
  }
}

export function orderInput(clientOrderId: string, quantity = '1'): AuthorizeOrderInput {
  return {
    strategy: { name: STRATEGY },
    clientOrderId,
    instrumentId: 'BTCUSDT-PERP.BINANCE',
    side: 'BUY',
    type: 'LIMIT',
    quantity,
    price: '100',
    currency: 'USDT',
  };
}
