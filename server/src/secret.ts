import { inspect } from 'node:util'

const REDACTED = '[secret]'

/** A secret that no log, error or dump of its surroundings can show: only `reveal` gives it away. */
export class Secret {
  readonly #text: string
  /** Where it was read, as problems with it name it. */
  readonly source: string

  constructor(text: string, source: string) {
    this.#text = text
    this.source = source
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}
