// A TCP proxy in front of the service, which loses connections on command.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import { URL_OF_GRAPHQL } from './service.ts';

type State = 'open' | 'cut' | 'silent' | 'losing answers';

export class Proxy {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  #state: State = 'open';
  /** The number of connections so far, refused ones included. */
  connections = 0;

  private constructor() {
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(): Promise<Proxy> {
    const proxy = new Proxy();
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/graphql`;
  }

  /** Loses all connections and refuses new ones. */
  async cut(): Promise<void> {
    this.#state = 'cut';
    const closed = [...this.#clients].map((client) => once(client, 'close'));
    this.#clients.forEach((client) => client.destroy());
    await Promise.all(closed);
  }

  /** Forwards nothing more and closes nothing, as a broken network path does. */
  silence(): void {
    this.#state = 'silent';
  }

  /** Forwards requests, and closes the connection in place of the first answer; then is open. */
  loseNextAnswer(): void {
    this.#state = 'losing answers';
  }

  /** Forwards on new connections. Those that were silent stay silent. */
  open(): void {
    this.#state = 'open';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
    this.#server.close();
  }

  #accept(client: Socket): void {
    this.connections += 1;
    client.on('error', () => {});
    if (this.#state === 'cut') {
      client.destroy();
      return;
    }
    this.#clients.add(client);
    const { hostname, port } = new URL(URL_OF_GRAPHQL);
    const service = connect(Number(port), hostname);
    let isSilent = false;
    const isForwarded = (): boolean => {
      isSilent ||= this.#state === 'silent';
      return !isSilent;
    };
    client.on('data', (bytes) => isForwarded() && service.write(bytes));
    service.on('data', (bytes) => {
      if (this.#state === 'losing answers') {
        this.#state = 'open';
        client.destroy();
      } else if (isForwarded()) {
        client.write(bytes);
      }
    });
    service.on('error', () => client.destroy());
    service.on('close', () => isForwarded() && client.destroy());
    client.on('close', () => {
      this.#clients.delete(client);
      service.destroy();
    });
  }
}
