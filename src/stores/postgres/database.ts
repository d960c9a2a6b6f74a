import type { Query, SqlValue } from './client.ts'
import { isUndone, toStoreError } from './failures.ts'
import { column } from './row.ts'

/** The functions of the schema, each call one statement and one transaction of its own. */
export interface Database {
  /** What a function answers, out of its JSON. */
  readonly call: (operation: string, name: string, parameters: SqlValue[]) => Promise<unknown>
}

/** The one answer of a statement that selects nothing else. */
export const answerOf = (rows: readonly unknown[]): unknown => {
  const answer = column(rows[0], 'answer')
  if (answer === null) return null
  if (typeof answer !== 'string') throw new Error('the answer is no text')
  return JSON.parse(answer)
}

export const createDatabase = (query: Query, schema: string): Database => {
  const statements = new Map<string, string>()

  const statementOf = (name: string, count: number): string => {
    const known = statements.get(name)
    if (known !== undefined) return known
    const places = Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ')
    const statement = `SELECT ${schema}.${name}(${places}) AS answer`
    statements.set(name, statement)
    return statement
  }

  const ask = async (name: string, parameters: SqlValue[]): Promise<unknown> =>
    answerOf(await query(statementOf(name, parameters.length), parameters))

  return {
    call: async (operation, name, parameters) => {
      try {
        return await ask(name, parameters).catch((failure: unknown) => {
          if (isUndone(failure)) return ask(name, parameters)
          throw failure
        })
      } catch (failure) {
        throw toStoreError(operation, failure)
      }
    },
  }
}
