// Subscriptions over connections that are lost.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test, type TestContext } from 'node:test';

import {
  BudgetChangesDocument,
  type BudgetChangesSubscription,
  CursorExpiredError,
  FeedCursorDocument,
  OperationRefusedError,
  ResumingClient,
  resumingClient,
  type ResumingOptions,
  UnauthorizedError,
} from '@purser/client';

import { Proxy } from './proxy.ts';
import { KEY, purser, registerStrategy, setBudget, URL_OF_GRAPHQL } from './service.ts';

let proxy: Proxy;
let lost: EventTarget;

before(async () => {
  proxy = await Proxy.start();
  await registerStrategy();
});
after(() => proxy[Symbol.asyncDispose]());

/** A client through the proxy that tries again at once; `lost` has an event for each failed attempt. */
function client(context: TestContext, options: Partial<ResumingOptions> = {}): ResumingClient {
  proxy.open();
  lost = new EventTarget();
  const made = resumingClient({
    url: proxy.url,
    key: KEY,
    retryDelayMs: () => 5,
    onRetry: () => lost.dispatchEvent(new Event('lost')),
    ...options,
  });
  context.after(() => made.dispose());
  return made;
}

/** The currencies of the next changes. */
async function next(events: AsyncIterator<BudgetChangesSubscription>, count: number): Promise<string[]> {
  const seen = [];
  while (seen.length < count) {
    const { value, done } = await events.next();
    assert.ok(!done, 'the events ended');
    seen.push(value.budgets.currency);
  }
  return seen;
}

/** Reads up to the change in this currency. A `feedCursor` may be older than the last change, but never newer. */
async function readUntil(events: AsyncIterator<BudgetChangesSubscription>, currency: string): Promise<void> {
  while ((await next(events, 1))[0] !== currency) {}
}

/** A cursor before every change from now on. */
async function cursor(): Promise<string> {
  return (await purser.query(FeedCursorDocument)).feedCursor;
}

test('changes while the connection is lost arrive exactly once', async (context) => {
  const events = client(context).iterate(BudgetChangesDocument, { after: await cursor() });
  await setBudget('ALPHA');
  await readUntil(events, 'ALPHA');
  const seen = [];
  for (const [first, second] of [['BRAVO', 'CHARLIE'], ['DELTA', 'ECHO']] as const) {
    await proxy.cut();
    await setBudget(first);
    await setBudget(second);
    proxy.open();
    seen.push(...(await next(events, 2)));
  }
  await setBudget('FOXTROT');
  assert.deepEqual([...seen, ...(await next(events, 1))], ['BRAVO', 'CHARLIE', 'DELTA', 'ECHO', 'FOXTROT']);
});

test('a change before the first event is not lost either', async (context) => {
  let answered = (): void => {};
  const isAnswered = new Promise<void>((resolve) => (answered = resolve));
  // The second message to the client is the answer with the cursor.
  let messages = 0;
  const on = { message: () => void (++messages === 2 && answered()) };
  const events = client(context, { on }).iterate(BudgetChangesDocument);
  await isAnswered;
  await proxy.cut();
  await setBudget('GOLF');
  proxy.open();
  await readUntil(events, 'GOLF');
});

test('a connection that is silent counts as lost', async (context) => {
  const events = client(context, { keepAlive: 20, pongTimeoutMs: 200 }).iterate(BudgetChangesDocument, {
    after: await cursor(),
  });
  await setBudget('HOTEL');
  await readUntil(events, 'HOTEL');
  proxy.silence();
  await setBudget('INDIA');
  await once(lost, 'lost');
  proxy.open();
  assert.deepEqual(await next(events, 1), ['INDIA']);
});

test('a refused connection is tried again until it succeeds', async (context) => {
  const following = client(context);
  await proxy.cut();
  const refused = proxy.connections;
  const events = following.iterate(BudgetChangesDocument, { after: await cursor() });
  await once(lost, 'lost');
  await once(lost, 'lost');
  assert.ok(proxy.connections >= refused + 2);
  await setBudget('JULIETT');
  proxy.open();
  await readUntil(events, 'JULIETT');
});

test('two subscriptions with other names of the variable and the fields share a connection', async (context) => {
  const query = `
    subscription Aliased($from: String) { changed: budgets(after: $from) { ...Change } }
    fragment Change on BudgetChange { position: cursor code: currency }
  `;
  const after = await cursor();
  const following = client(context);
  const before = proxy.connections;
  const typed = following.iterate(BudgetChangesDocument, { after });
  const aliased = following.iterate<{ changed: { code: string } }>(query, { from: after });
  await setBudget('KILO');
  await readUntil(typed, 'KILO');
  let code: string | undefined;
  while (code !== 'KILO') {
    const { value, done } = await aliased.next();
    assert.ok(!done, 'the events ended');
    code = value.changed.code;
  }
  assert.equal(proxy.connections, before + 1);
  await proxy.cut();
  await setBudget('LIMA');
  proxy.open();
  assert.deepEqual(await next(typed, 1), ['LIMA']);
  assert.equal((await aliased.next()).value.changed.code, 'LIMA');
});

test('a slow reader gets every change exactly once, and few of them wait', async (context) => {
  const connection = new EventTarget();
  const on = { closed: () => void connection.dispatchEvent(new Event('closed')) };
  const events = client(context, { eventsWaitingMax: 2, on }).iterate(BudgetChangesDocument, { after: await cursor() });
  await setBudget('MIKE');
  await readUntil(events, 'MIKE');
  // With two events waiting nothing is subscribed, and graphql-ws closes the connection.
  const isClosed = once(connection, 'closed');
  const codes = ['NOVEMBER', 'OSCAR', 'PAPA', 'QUEBEC', 'ROMEO', 'SIERRA', 'TANGO'];
  for (const code of codes) {
    await setBudget(code);
  }
  await isClosed;
  assert.deepEqual(await next(events, codes.length), codes);
});

test('leaving the loop unsubscribes', async (context) => {
  const connection = new EventTarget();
  const following = client(context, { on: { closed: () => void connection.dispatchEvent(new Event('closed')) } });
  const isClosed = once(connection, 'closed');
  const events = following.iterate(BudgetChangesDocument, { after: await cursor() });
  await setBudget('UNIFORM');
  for await (const event of events) {
    assert.ok(event.budgets.currency);
    break;
  }
  // graphql-ws closes a connection without subscriptions.
  await isClosed;
});

test('a wrong key is an error and is not tried again', async (context) => {
  const before = proxy.connections;
  const events = client(context, { key: 'wrong' }).iterate(BudgetChangesDocument);
  await assert.rejects(events.next(), (error) => error instanceof UnauthorizedError && error.status === 4403);
  assert.deepEqual(await events.next(), { value: undefined, done: true });
  assert.equal(proxy.connections, before + 1);
});

test('an expired cursor and a refused document are errors', async (context) => {
  const following = client(context);
  const expired = following.iterate(BudgetChangesDocument, { after: `${'0'.repeat(32)}-1-1` });
  await assert.rejects(expired.next(), (error) => error instanceof CursorExpiredError && error.code === 'CURSOR_EXPIRED');
  const refused = following.iterate('subscription ($after: String) { budgets(after: $after) { cursor nothing } }');
  await assert.rejects(refused.next(), (error) => error instanceof OperationRefusedError && error.code === 'VALIDATION_FAILED');
});

test('what a sink throws ends its subscription at once, and no other', async (context) => {
  const variables = { after: await cursor() };
  await setBudget('VICTOR');
  await setBudget('XRAY');
  const following = client(context);
  const fault = new Error('the consumer failed');
  let calls = 0;
  const ended = new Promise((resolve, reject) => {
    const fail = (): never => {
      calls += 1;
      throw fault;
    };
    following.subscribe({ query: BudgetChangesDocument, variables }, { next: fail, error: resolve, complete: () => reject() });
  });
  const events = following.iterate(BudgetChangesDocument, variables);
  assert.equal(await ended, fault);
  await readUntil(events, 'XRAY');
  assert.equal(calls, 1);
});

test('disposing ends subscriptions, while the service is away too', async (context) => {
  const following = client(context);
  await proxy.cut();
  const events = following.iterate(BudgetChangesDocument);
  await once(lost, 'lost');
  await following.dispose();
  assert.deepEqual(await events.next(), { value: undefined, done: true });
});

test('http and ws URLs are accepted', async (context) => {
  const after = await cursor();
  await setBudget('WHISKEY');
  for (const url of [URL_OF_GRAPHQL, URL_OF_GRAPHQL.replace('http', 'ws')]) {
    await readUntil(client(context, { url }).iterate(BudgetChangesDocument, { after }), 'WHISKEY');
  }
});
