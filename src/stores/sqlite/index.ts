export { openSqlite } from './database.ts'
export type { SqliteDatabase, SqliteStatement, SqliteValue } from './database.ts'
export { sqliteStore } from './sqlite-store.ts'
export type { SqliteStoreOptions } from './sqlite-store.ts'
