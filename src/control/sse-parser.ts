// Reads a stream of server-sent events, piece by piece (HTML standard §9.2.6), as far as turnd's own has them. Pure.

/** An event of a stream. */
export interface StreamedEvent {
  /** Its `event` field; `message` without one. */
  readonly name: string;
  readonly data: string;
}

/** Longer lines are none of turnd's. */
const MAX_LINE = 1_048_576;

/** Parses one stream. */
export class SseParser {
  #rest = '';
  #name = '';
  #data: string[] = [];

  /** The events that end in this piece. @throws RangeError for a line that has no end */
  push(text: string): readonly StreamedEvent[] {
    const lines = `${this.#rest}${text}`.split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE) throw new RangeError('a line of the stream has no end');
    return lines.flatMap((line) => this.#line(line.replace(/\r$/, '')));
  }

  #line(line: string): StreamedEvent[] {
    if (line === '') return this.#end();
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') this.#name = value;
    if (field === 'data') this.#data.push(value);
    return [];
  }

  #end(): StreamedEvent[] {
    const name = this.#name === '' ? 'message' : this.#name;
    const data = this.#data;
    this.#name = '';
    this.#data = [];
    return data.length === 0 ? [] : [{ name, data: data.join('\n') }];
  }
}
