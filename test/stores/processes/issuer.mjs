import { createHash } from 'node:crypto'
import { createAuth } from '../../../dist/index.js'
import { openSqlite, sqliteStore } from '../../../dist/stores/sqlite/index.js'

/** What every process of these tests is: an issuer on one SQLite file, as it is built. */
export const openIssuer = (file) => {
  const database = openSqlite(file)
  const store = sqliteStore(database)
  const events = []
  const auth = createAuth({
    issuer: 'https://id.example',
    audience: 'https://api.example',
    keys: { secret: createHash('sha512').update('processes on one file').digest() },
    store,
    hooks: { onEvent: (event) => events.push(event) },
  })
  return { auth, store, database, events }
}
