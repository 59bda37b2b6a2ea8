// Questions and answers between two processes, over a channel that carries plain messages in their order. Knows neither
// the channel nor what is asked; who loses the channel loses the answers.

/** What may be asked, by name: what goes there and what comes back, as plain JSON data. */
export type CallMap = Readonly<Record<string, { readonly ask: unknown; readonly answer: unknown }>>;

/** A question. */
export interface CallMessage {
  readonly kind: 'call';
  readonly id: number;
  readonly name: string;
  readonly ask: unknown;
}

/** Its answer. */
export interface AnswerMessage {
  readonly kind: 'answer';
  readonly id: number;
  readonly answer: unknown;
}

/** Its answer where whoever was asked has failed: a bug. */
export interface RefusalMessage {
  readonly kind: 'refusal';
  readonly id: number;
  readonly reason: string;
}

/** How the questions of a map are answered; a handler may throw or reject, and whoever asks is told. */
export type CallHandlers<C extends CallMap> = {
  readonly [K in keyof C]: (ask: C[K]['ask']) => C[K]['answer'] | Promise<C[K]['answer']>;
};

/** The question was not answered: the channel is gone, too many wait, or the other side has failed. */
export class CallError extends Error {
  override readonly name = 'CallError';
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: CallError) => void;
}

/** Asks the other side. */
export class Caller<C extends CallMap> {
  readonly #send: (message: CallMessage) => void;
  readonly #limit: number;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #closed = false;

  /** @param limit questions that may wait at once: beyond, they fail at once */
  constructor(send: (message: CallMessage) => void, limit: number) {
    this.#send = send;
    this.#limit = limit;
  }

  /** Questions that wait for their answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Asks. Rejects with {@link CallError} only. */
  call<K extends keyof C & string>(name: K, ask: C[K]['ask']): Promise<C[K]['answer']> {
    if (this.#closed) return Promise.reject(new CallError(`${name}: the other process is gone`));
    if (this.#waiting.size >= this.#limit) return Promise.reject(new CallError(`${name}: too many questions wait`));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ kind: 'call', id, name, ask });
    });
  }

  /** Takes what came back. An answer that nobody waits for is passed over. */
  settle(message: AnswerMessage | RefusalMessage): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id);
    if (message.kind === 'answer') waiting.resolve(message.answer as never);
    else waiting.reject(new CallError(message.reason));
  }

  /** The channel is gone: whatever waits fails, and so does what is asked from now on. Idempotent. */
  close(): void {
    this.#closed = true;
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of lost) reject(new CallError('the other process is gone'));
  }
}

/** Answers a question. What can be answered at once is answered before this returns. Never throws or rejects. */
export function answerCall<C extends CallMap>(
  handlers: CallHandlers<C>,
  { id, name, ask }: CallMessage,
  send: (message: AnswerMessage | RefusalMessage) => void,
): void {
  const refuse = (error: unknown): void => send({ kind: 'refusal', id, reason: `${name}: ${describe(error)}` });
  const reply = (answer: unknown): void => send({ kind: 'answer', id, answer });
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  if (handler === undefined) return refuse('there is no such question');
  try {
    const answer: unknown = handler(ask);
    if (answer instanceof Promise) answer.then(reply, refuse);
    else reply(answer);
  } catch (error) {
    refuse(error);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
