// Events between a subscription and the code that iterates over them.

/** Begins or resumes a source of events; the returned function stops it. */
export type Start<T> = (queue: EventQueue<T>) => () => void;

/**
 * The events of a source, as an async iterator that is used once. At `capacity` waiting events the source is stopped;
 * it is started again once they are read, and continues where it stopped.
 */
export class EventQueue<T> implements AsyncIterableIterator<T> {
  readonly #start: Start<T>;
  readonly #capacity: number;
  #events: T[] = [];
  #readers: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void }[] = [];
  #stop: (() => void) | null;
  #end: { error?: unknown } | null = null;

  constructor(start: Start<T>, capacity: number) {
    this.#start = start;
    this.#capacity = capacity;
    this.#stop = start(this);
  }

  push(event: T): void {
    const reader = this.#readers.shift();
    if (reader) {
      reader.resolve({ value: event, done: false });
    } else if (this.#events.push(event) >= this.#capacity) {
      this.#pause();
    }
  }

  /** Ends the iteration after the events that wait, with an error if one is given. */
  end(end: { error?: unknown } = {}): void {
    this.#end ??= end;
    for (const reader of this.#readers.splice(0)) {
      this.#finish(reader.resolve, reader.reject);
    }
  }

  next(): Promise<IteratorResult<T>> {
    return new Promise((resolve, reject) => {
      if (this.#events.length > 0) {
        resolve({ value: this.#events.shift() as T, done: false });
      } else if (this.#end) {
        this.#finish(resolve, reject);
      } else {
        this.#readers.push({ resolve, reject });
        this.#stop ??= this.#start(this);
      }
    });
  }

  async return(): Promise<IteratorResult<T>> {
    this.#events = [];
    this.#pause();
    this.end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #pause(): void {
    this.#stop?.();
    this.#stop = null;
  }

  /** An error is thrown once; afterwards the iteration has ended. */
  #finish(resolve: (result: IteratorResult<T>) => void, reject: (error: unknown) => void): void {
    if (this.#end && 'error' in this.#end) {
      const { error } = this.#end;
      this.#end = {};
      reject(error);
    } else {
      resolve({ value: undefined, done: true });
    }
  }
}
