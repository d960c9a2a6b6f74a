/** The suites of which the test run prints a table: their columns, and what does not concern one of them. */

/** What a suite writes on its outermost `describe`, so that its tests are known wherever they were registered. */
export interface Mark {
  readonly suite: SuiteName
  readonly column: string
}

declare module 'vitest' {
  interface TaskMeta {
    conformance?: Mark
  }
}

/** Scenarios that a column does not have, or whose test has nothing to do there. */
export interface Exemption {
  readonly columns: readonly string[]
  /** How the rows begin, as `group > title`; '' is all of them, and then the column need not run. */
  readonly scenarios: string
  readonly reason: string
}

export interface Suite {
  readonly name: string
  /** Every column, in order. A column that ran and is not listed is shown too, and is a fault. */
  readonly columns: readonly string[]
  readonly exemptions: readonly Exemption[]
}

const ONE_HANDLER =
  'the endpoints are one handler; that it is mounted right is held by "endpoints mounted after nothing"'
const NO_PARSERS = 'nothing reads bodies before it but a clone, which "endpoints mounted after body parsers" holds'
const PARSERS_OF_OTHERS = 'has the body parsers of express and fastify, which stand in this table'

export type SuiteName = 'adapters' | 'endpoints' | 'endpointsBehindParsers'

export const SUITES: Readonly<Record<SuiteName, Suite>> = {
  adapters: {
    name: 'Guards and mounts: adapter x scenario',
    columns: [
      'fetch',
      'fetch on node:http',
      'node:http',
      'express',
      'hono',
      'hono on node:http',
      'fastify',
      'koa',
      'h3',
      'h3 on node:http',
      'elysia',
      'elysia without compiled handlers',
      'elysia on node:http',
      'nestjs on express',
      'nestjs on fastify',
      'nestjs with modules that bring the auth',
    ],
    exemptions: [
      {
        columns: ['fetch', 'hono', 'h3', 'elysia', 'elysia without compiled handlers'],
        scenarios: 'hostile requests > lets nobody in with ',
        reason: 'is handed requests without a network, and no Request can be made of such bytes',
      },
    ],
  },
  endpoints: {
    name: 'Ready-made endpoints: adapter and store x scenario',
    columns: [
      'fetch, memory',
      'fetch on node:http, sqlite',
      'express, sqlite',
      'hono on node:http, memory',
      'fastify, memory',
      'node:http',
      'hono',
      'koa',
      'h3',
      'elysia',
      'nestjs',
    ],
    exemptions: [
      { columns: ['node:http', 'hono', 'koa', 'h3', 'elysia', 'nestjs'], scenarios: '', reason: ONE_HANDLER },
    ],
  },
  endpointsBehindParsers: {
    name: 'Ready-made endpoints behind body parsers: adapter and store x scenario',
    columns: [
      'node, memory',
      'express, memory',
      'hono, sqlite',
      'hono on node:http, memory',
      'fastify, memory',
      'koa, memory',
      'fetch',
      'h3',
      'elysia',
      'nestjs',
    ],
    exemptions: [
      { columns: ['fetch', 'h3', 'elysia'], scenarios: '', reason: NO_PARSERS },
      { columns: ['nestjs'], scenarios: '', reason: PARSERS_OF_OTHERS },
    ],
  },
}

/** The options of a `describe` whose tests are a column of a table. */
export const columnOf = (suite: SuiteName, column: string) => ({ meta: { conformance: { suite, column } } })
