import { drizzle } from 'drizzle-orm/sqlite-proxy'
import type { SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy'
import Sqlite from 'libsql'

/** An app with migrations has this in one of them, as drizzle-kit makes it from the schema. */
export const USERS = `
CREATE TABLE IF NOT EXISTS users (
  position INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL,
  canonicalEmail TEXT NOT NULL UNIQUE,
  passwordHash TEXT,
  permissions TEXT NOT NULL,
  active INTEGER DEFAULT true NOT NULL,
  credentialVersion INTEGER DEFAULT 1 NOT NULL,
  profile TEXT NOT NULL,
  createdAt INTEGER DEFAULT (unixepoch()) NOT NULL
)`

/** Opens a Drizzle database on libsql. Drizzle's proxy takes any client; `close` closes the one beneath. */
export const openDatabase = (file: string): SqliteRemoteDatabase & { readonly close: () => void } => {
  const client = new Sqlite(file)
  // How long a writer waits for another process, in milliseconds.
  client.pragma('busy_timeout = 2000')
  client.exec(USERS)
  const db = drizzle(async (query, parameters, method) => {
    const statement = client.prepare(query)
    if (!statement.reader) {
      statement.run(parameters)
      return { rows: [] }
    }
    const rows = statement.raw().all(parameters)
    // What Drizzle documents for `get`, though its type has rows here too: the first row itself.
    return { rows: method === 'get' ? (rows[0] as unknown[]) : rows }
  })
  return Object.assign(db, { close: () => client.close() })
}
