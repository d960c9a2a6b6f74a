import type { MaybePromise } from 'jotward'
import type { SqliteDatabase } from 'jotward/stores/sqlite'

/** What a database remembers of the server that its sessions were made by. */
export type RecordName = 'secret' | 'issuer' | 'sessions'

/** Kept beside the users, for a backup must have both; any number of servers may share them. */
export interface ServerRecords {
  get(name: RecordName): MaybePromise<string | null>
  /** Notes a value where there is none yet, and returns what is noted: of several servers at once one wins. */
  claim(name: RecordName, value: string): MaybePromise<string>
  set(name: RecordName, value: string): MaybePromise<void>
  /** For whoever has ended every session: another secret may follow. */
  forgetSecret(): MaybePromise<void>
}

/** Keeps the records in a table of the server's own, beside those of the store. */
export const serverRecords = (database: SqliteDatabase): ServerRecords => {
  database.exec(`CREATE TABLE IF NOT EXISTS jotward_server (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`)
  const get = (name: RecordName): string | null => {
    // The columns of a row are ours to know: this one is TEXT NOT NULL.
    const row = database.prepare('SELECT value FROM jotward_server WHERE name = ?').get(name) as
      | { readonly value: string }
      | undefined
    return row?.value ?? null
  }
  return {
    get,
    claim: (name, value) => {
      database.prepare('INSERT INTO jotward_server (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING').run(name, value)
      return get(name) ?? value
    },
    set: (name, value) => {
      const upsert =
        'INSERT INTO jotward_server (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value'
      database.prepare(upsert).run(name, value)
    },
    forgetSecret: () => {
      database.prepare("DELETE FROM jotward_server WHERE name = 'secret'").run()
    },
  }
}
