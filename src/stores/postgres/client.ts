/** What a statement is given: all that crosses the wire as a text of its own. */
export type SqlValue = string | number | boolean | null

/** The part of a `pg` Pool that the store needs. Give it an `error` listener: a pool without one ends the process. */
export interface PgPool {
  query(text: string, values?: SqlValue[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** The part of postgres.js that the store needs: `sql` itself. */
export interface PostgresJs {
  unsafe(
    text: string,
    parameters?: SqlValue[],
    options?: { readonly prepare: boolean },
  ): PromiseLike<readonly unknown[]>
}

/** A pool of connections, the caller's own: the store neither opens nor closes any. */
export type PostgresClient = PgPool | PostgresJs

/** Runs a statement. Without values the text may hold several, which are then one transaction. */
export type Query = (text: string, values?: SqlValue[]) => Promise<readonly unknown[]>

export const queryOf = (client: PostgresClient): Query => {
  if ('unsafe' in client) {
    // The driver prepares by name where its own `prepare` allows it, which poolers may forbid.
    return async (text, values) =>
      values === undefined ? client.unsafe(text) : client.unsafe(text, values, { prepare: true })
  }
  return async (text, values) => (await client.query(text, values)).rows
}
