export type { PgPool, PostgresClient, PostgresJs, SqlValue } from './client.ts'
export { postgresStore } from './postgres-store.ts'
export type { PostgresStoreOptions } from './postgres-store.ts'
