import { randomBytes } from 'node:crypto'
import { startPostgres } from '../../stores/postgres-cluster.ts'
import type { PostgresServer } from '../../stores/postgres-cluster.ts'

/** Servers that the rounds of a run share, because they take a while to start; begun at their first use. */
export interface Servers {
  /** A new database on a PostgreSQL server that no round kills. */
  postgres(): Promise<Database>
  stop(): Promise<void>
}

export interface Database {
  readonly host: string
  readonly port: number
  readonly url: string
}

/** The same database at another address: that of a proxy. */
export const through = (url: string, { host, port }: { readonly host: string; readonly port: number }): string => {
  const other = new URL(url)
  other.hostname = host
  other.port = String(port)
  return other.href
}

/** A database of its own on a server. */
export const createDatabase = async (server: PostgresServer): Promise<Database> => {
  const name = `faults_${randomBytes(6).toString('hex')}`
  await server.query(`CREATE DATABASE ${name}`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  return { host: server.host, port: server.port, url: url.href }
}

export const createServers = (): Servers => {
  let postgres: Promise<PostgresServer> | null = null
  return {
    postgres: async () => {
      postgres ??= startPostgres({ max_connections: '400' })
      return createDatabase(await postgres)
    },
    stop: async () => {
      await (await postgres)?.stop()
    },
  }
}
